#include "os/one_time_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

namespace cygnet::os {
namespace {

constexpr const char* used_folder = "used";
constexpr std::size_t name_octets_max = 64;
constexpr std::size_t names_looked_at = 65'536;  // of one folder, to choose among
constexpr unsigned others_tried = 16;            // when another process took the chosen one, or it is no key

std::unexpected<Error> failed(const std::string& path, int number) {
    return fail(number == ENOENT ? Errc::not_found : Errc::system, "one-time files", path + ": " + std::strerror(number));
}

Result<Fd> open_folder(const std::string& path) {
    Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.open()) return failed(path, errno);
    return folder;
}

Result<Fd> open_used(const Fd& folder, const std::string& path) {
    if (::mkdirat(folder.number(), used_folder, 0700) != 0 && errno != EEXIST) return failed(path + "/used", errno);
    Fd used(::openat(folder.number(), used_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!used.open()) return failed(path + "/used", errno);
    return used;
}

struct CloseFolder {
    void operator()(DIR* stream) const { ::closedir(stream); }
};

Result<std::vector<std::string>> names_in(const std::string& path) {
    const std::unique_ptr<DIR, CloseFolder> stream(::opendir(path.c_str()));
    if (!stream) return failed(path, errno);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream.get())) {
        if (names.size() == names_looked_at) break;
        std::string name = entry->d_name;
        if (OneTimeFiles::is_name(name)) names.push_back(std::move(name));
    }
    std::ranges::sort(names);
    return names;
}

Result<SecretBytes> read_at(const Fd& folder, const std::string& name, std::size_t octets_min, std::size_t octets_max) {
    const Fd file(::openat(folder.number(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.open()) return failed(name, errno);
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) return failed(name, errno);
    const auto size = static_cast<std::size_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || size < octets_min || size > octets_max)
        return fail(Errc::bad_length, "one-time files",
                    fmt::format("{}: not a file of {} to {} octets", name, octets_min, octets_max));
    SecretBytes content(size);
    std::size_t got = 0;
    while (got < size) {
        const ssize_t part = ::pread(file.number(), content.reveal_for_writing().data() + got, size - got, static_cast<off_t>(got));
        if (part < 0 && errno == EINTR) continue;
        if (part <= 0) return failed(name, part < 0 ? errno : EIO);
        got += static_cast<std::size_t>(part);
    }
    return content;
}

// The name leaves the folder and cannot come back: both folders are on the disk before this returns. Then the content goes.
Result<> move_to_used(const Fd& folder, const Fd& used, const std::string& name) {
    if (::renameat2(folder.number(), name.c_str(), used.number(), name.c_str(), RENAME_NOREPLACE) != 0) {
        if (errno == EEXIST) return fail(Errc::state, "one-time files", name + " was used before");
        return failed(name, errno);
    }
    if (::fsync(used.number()) != 0 || ::fsync(folder.number()) != 0) return failed(name, errno);
    const Fd file(::openat(used.number(), name.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW));
    if (!file.open() || ::fsync(file.number()) != 0) return failed(name, errno);
    return {};
}

}  // namespace

bool OneTimeFiles::is_name(const std::string& name) {
    constexpr std::string_view accepted = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return !name.empty() && name.size() <= name_octets_max && name.front() != '.' && name != used_folder &&
           name.find_first_not_of(accepted) == name.npos;
}

Result<OneTimeFile> OneTimeFiles::take_any(std::uint64_t pick) const {
    const Fd folder = TRY(open_folder(folder_));
    const Fd used = TRY(open_used(folder, folder_));
    const std::vector<std::string> names = TRY(names_in(folder_));
    for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), others_tried); ++i) {
        const std::string& name = names[(pick + i) % names.size()];
        auto content = read_at(folder, name, octets_min_, octets_max_);
        if (!content || !move_to_used(folder, used, name)) continue;
        return OneTimeFile{.name = name, .content = std::move(*content)};
    }
    return fail(Errc::not_found, "one-time files", folder_ + " has no file that could be used");
}

Result<SecretBytes> OneTimeFiles::look_at(const std::string& name) const {
    if (!is_name(name)) return fail(Errc::not_found, "one-time files", "not a name that a file could have");
    const Fd folder = TRY(open_folder(folder_));
    const Fd used = TRY(open_used(folder, folder_));
    if (::faccessat(used.number(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return fail(Errc::state, "one-time files", name + " was used before");
    return read_at(folder, name, octets_min_, octets_max_);
}

Result<> OneTimeFiles::use_up(const std::string& name) const {
    if (!is_name(name)) return fail(Errc::not_found, "one-time files", "not a name that a file could have");
    const Fd folder = TRY(open_folder(folder_));
    const Fd used = TRY(open_used(folder, folder_));
    return move_to_used(folder, used, name);
}

}  // namespace cygnet::os
