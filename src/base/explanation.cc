#include "base/explanation.h"

#include <memory>

namespace cygnet::inline base {

std::string Explanation::sentence() const {
    std::string text = what;
    if (!ours.empty() || !theirs.empty()) {
        text += " (";
        if (!ours.empty()) text += "here: " + ours;
        if (!ours.empty() && !theirs.empty()) text += "; the peer: ";
        if (ours.empty()) text += "the peer: ";
        text += theirs + ")";
    }
    if (!advice.empty()) text += ": " + advice;
    return text;
}

Error explained(Error error, Explanation why) {
    error.detail = why.sentence();
    error.explanation = std::make_shared<const Explanation>(std::move(why));
    return error;
}

Explanation explanation_of(const Error& error) {
    if (error.explanation) return *error.explanation;
    return {.what = error.text()};
}

}  // namespace cygnet::inline base
