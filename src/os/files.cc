#include "os/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cygnet::os {

namespace {

std::unexpected<Error> file_error(const char* where, const std::string& path, int number) {
    const auto code = number == ENOENT ? Errc::not_found : Errc::system;
    return fail(code, where, fmt::format("{}: {}", path, std::strerror(number)));
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::size_t octets_max) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.open()) return file_error("file", path, errno);
    struct stat status {};
    if (::fstat(fd.number(), &status) != 0) return file_error("file", path, errno);
    if (!S_ISREG(status.st_mode)) return fail(Errc::system, "file", fmt::format("{}: not a regular file", path));
    Bytes content;
    for (;;) {
        const std::size_t before = content.size();
        content.resize(before + 64 * 1024);
        const ssize_t size = ::read(fd.number(), content.data() + before, content.size() - before);
        if (size < 0 && errno == EINTR) {
            content.resize(before);
            continue;
        }
        if (size < 0) return file_error("file", path, errno);
        content.resize(before + static_cast<std::size_t>(size));
        if (content.size() > octets_max)
            return fail(Errc::limit, "file", fmt::format("{}: longer than {} octets", path, octets_max));
        if (size == 0) return content;
    }
}

Result<> write_private_file(const std::string& path, ByteView content) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.open()) return file_error("file", path, errno);
    while (!content.empty()) {
        const ssize_t size = ::write(fd.number(), content.data(), content.size());
        if (size < 0 && errno != EINTR) return file_error("file", path, errno);
        if (size > 0) content = content.subspan(static_cast<std::size_t>(size));
    }
    return {};
}

Result<> replace_private_file(const std::string& path, ByteView content) {
    const std::string fresh = path + ".new";
    remove_file(fresh);  // Whatever mode or owner an earlier one had.
    TRY(write_private_file(fresh, content));
    const Fd written(::open(fresh.c_str(), O_RDONLY | O_CLOEXEC));
    if (!written.open() || ::fsync(written.number()) != 0) return file_error("file", fresh, errno);
    if (::rename(fresh.c_str(), path.c_str()) != 0) return file_error("file", path, errno);
    return {};
}

std::vector<std::string> matching_files(const std::string& pattern) {
    std::vector<std::string> paths;
    glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    return paths;
}

std::vector<std::string> files_in(const std::string& folder) {
    std::vector<std::string> paths;
    std::error_code ignored;
    for (auto entry = std::filesystem::directory_iterator(folder, ignored); entry != std::filesystem::directory_iterator();
         entry.increment(ignored)) {
        std::error_code unreadable;
        if (entry->is_regular_file(unreadable)) paths.push_back(entry->path().string());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<> make_folder(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return fail(Errc::system, "folder", fmt::format("{}: {}", path, error.message()));
    return {};
}

void remove_file(const std::string& path) { ::unlink(path.c_str()); }

Result<Fd> lock_file(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd.open()) return file_error("lock", path, errno);
    if (::flock(fd.number(), LOCK_EX | LOCK_NB) != 0)
        return fail(errno == EWOULDBLOCK ? Errc::state : Errc::system, "lock", fmt::format("{}: {}", path, std::strerror(errno)));
    return fd;
}

}  // namespace cygnet::os
