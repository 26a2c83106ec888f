#include "daemon/ppk_sources.h"

#include <utility>

#include "daemon/qkd.h"
#include "model/limits.h"
#include "os/one_time_files.h"

namespace cygnet::daemon {
namespace {

namespace limits = model::limits;

os::OneTimeFiles pads_of(const model::PpkSource& source) {
    return {source.pads, limits::ppk_octets_min, limits::ppk_octets_max};
}

std::string file_name(const model::PpkId& id) {
    return id.type == model::PpkIdType::fixed ? std::string(text_of(id.name)) : std::string();
}

Result<model::Ppk> new_key(const model::PpkSource& source, std::uint64_t pick, Duration patience, const std::atomic<bool>& give_up) {
    if (!source.qkd.empty()) return new_qkd_key(source, patience, give_up);
    os::OneTimeFile pad = TRY(pads_of(source).take_any(pick));
    return model::Ppk{.id = {.name = keep(bytes_of(pad.name))}, .key = std::move(pad.content), .source = source};
}

// Adds the key if the source has it; an id that was used before is counted.
Result<> find_key(const model::PpkSource& source, const model::PpkId& id, Duration patience, const std::atomic<bool>& give_up,
                  model::PpkAnswer& answer) {
    if (!source.qkd.empty()) {
        if (auto key = TRY(qkd_key_with_id(source, id, patience, give_up))) answer.keys.push_back(std::move(*key));
        return {};
    }
    auto content = pads_of(source).look_at(file_name(id));
    if (content) answer.keys.push_back({.id = id, .key = std::move(*content), .source = source});
    else if (content.error().code == Errc::state) ++answer.replayed;
    else if (content.error().code == Errc::system) return fail(content.error());
    return {};
}

}  // namespace

Result<model::PpkAnswer> obtain_ppks(const ike::PpkWish& wish, const std::atomic<bool>& give_up) {
    model::PpkAnswer answer;
    Result<> last;
    const Instant end = os::now() + limits::ppk_deadline;
    for (const model::PpkSource& source : wish.sources) {
        if (wish.kind == ike::PpkWish::Kind::fresh) {
            answer.keys.push_back(TRY(new_key(source, wish.pick, limits::ppk_deadline, give_up)));
            return answer;
        }
        for (const model::PpkId& id : wish.ids) {
            // A key of an entity was used up when it gave it out.
            if (wish.kind == ike::PpkWish::Kind::find) {
                const Duration patience = end - os::now();
                if (patience <= Duration{0}) return fail(Errc::timeout, "PPK", "the sources of one-time keys are too slow");
                if (auto found = find_key(source, id, patience, give_up, answer); !found) last = std::move(found);
            } else if (source.qkd.empty()) {
                TRY(pads_of(source).use_up(file_name(id)));
            }
        }
    }
    if (!last && answer.keys.empty()) return fail(last.error());
    return answer;
}

PpkSources::~PpkSources() { give_up_ = true; }

void PpkSources::start(ike::PpkWish wish, std::move_only_function<void(Result<model::PpkAnswer>)> finished) {
    if (!threads_) threads_ = std::make_unique<os::JobPool>(loop_, limits::ppk_threads);
    threads_->submit([this, begun = os::now(), wish = std::move(wish), finished = std::move(finished)]() mutable -> os::JobPool::Finish {
        const bool too_late = os::now() - begun > limits::ppk_deadline;
        Result<model::PpkAnswer> answer = too_late ? fail(Errc::timeout, "PPK", "too many others wait for one-time keys")
                                                   : obtain_ppks(wish, give_up_);
        return [finished = std::move(finished), answer = std::move(answer)]() mutable { finished(std::move(answer)); };
    });
}

}  // namespace cygnet::daemon
