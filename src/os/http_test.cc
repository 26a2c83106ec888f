// A server of a few lines on the loopback interface answers.
#include "os/http.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include <fmt/format.h>

#include "os/fd.h"

namespace cygnet::os {
namespace {

class Http : public testing::Test {
protected:
    Http() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof own;
        EXPECT_EQ(::bind(listener_.number(), reinterpret_cast<sockaddr*>(&own), size), 0);
        EXPECT_EQ(::listen(listener_.number(), 4), 0);
        ::getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&own), &size);
        port_ = ntohs(own.sin_port);
    }
    ~Http() override {
        ::shutdown(listener_.number(), SHUT_RDWR);
        if (server_.joinable()) server_.join();
    }
    // One answer for each connection, in order; empty: says nothing until the client leaves.
    void serve(std::vector<std::string> answers) {
        server_ = std::thread([this, answers = std::move(answers)] {
            for (const std::string& answer : answers) {
                const Fd client(::accept(listener_.number(), nullptr, nullptr));
                if (client.number() < 0) return;
                char request[4096];
                const ssize_t got = ::read(client.number(), request, sizeof request);
                if (got > 0) requests_.append(request, static_cast<std::size_t>(got));
                if (answer.empty()) while (::read(client.number(), request, sizeof request) > 0) {}
                EXPECT_EQ(::send(client.number(), answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
            }
        });
    }
    HttpRequest request(const std::string& path = "/crl") const {
        return {.url = fmt::format("http://127.0.0.1:{}{}", port_, path), .octets_max = 100, .deadline = seconds(20), .redirects_max = 1};
    }
    static std::string ok(std::string_view content) {
        return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", content.size(), content);
    }
    std::string requests() {
        if (server_.joinable()) server_.join();
        return requests_;
    }

    std::atomic<bool> give_up_ = false;
    std::uint16_t port_ = 0;

private:
    Fd listener_;
    std::thread server_;
    std::string requests_;
};

TEST_F(Http, GivesTheContent) {
    serve({ok("octets")});
    const auto content = fetch_by_http(request(), give_up_);
    ASSERT_TRUE(content) << content.error().text();
    EXPECT_EQ(text_of(*content), "octets");
    EXPECT_TRUE(requests().starts_with("GET /crl HTTP/1.1\r\n"));
}

TEST_F(Http, PostsABody) {
    serve({ok("answer")});
    HttpRequest post = request();
    post.body = keep(bytes_of("question"));
    post.content_type = "application/ocsp-request";
    EXPECT_TRUE(fetch_by_http(post, give_up_));
    const std::string seen = requests();
    EXPECT_TRUE(seen.starts_with("POST /crl HTTP/1.1\r\n")) << seen;
    EXPECT_NE(seen.find("Content-Type: application/ocsp-request\r\n"), std::string::npos);
    EXPECT_TRUE(seen.ends_with("\r\n\r\nquestion"));
}

TEST_F(Http, EndsWhereTheAnswerIsTooLong) {
    serve({"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(101, 'x')});
    const auto content = fetch_by_http(request(), give_up_);
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().detail, "the answer is longer than 100 octets");
}

TEST_F(Http, FollowsAFewRedirectionsToHttpOnly) {
    const std::string again = fmt::format("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{}/there\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", port_);
    serve({again, ok("there"), again, again, "HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"});
    EXPECT_TRUE(fetch_by_http(request(), give_up_));
    EXPECT_FALSE(fetch_by_http(request(), give_up_));
    EXPECT_FALSE(fetch_by_http(request(), give_up_));
}

TEST_F(Http, AsksNoAddressThatIsNotAllowed) {
    HttpRequest forbidden = request();
    forbidden.may_connect = [](const model::IpAddress& address) { return address.text() != "127.0.0.1"; };
    const auto content = fetch_by_http(forbidden, give_up_);
    ASSERT_FALSE(content);
    EXPECT_NE(content.error().detail.find("127.0.0.1"), std::string::npos) << content.error().detail;
}

TEST_F(Http, SpeaksNothingButHttp) {
    for (const char* url : {"file:///etc/hostname", "https://127.0.0.1/", "ftp://127.0.0.1/", "gopher://127.0.0.1/"}) {
        HttpRequest other = request();
        other.url = url;
        EXPECT_FALSE(fetch_by_http(other, give_up_)) << url;
    }
}

TEST_F(Http, EndsAtTheDeadlineAndWhenNobodyWantsItAnyMore) {
    serve({"", ""});
    HttpRequest slow = request();
    slow.deadline = milliseconds(50);
    const auto late = fetch_by_http(slow, give_up_);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Errc::timeout);
    give_up_ = true;
    EXPECT_FALSE(fetch_by_http(request(), give_up_));
}

TEST_F(Http, SaysWhatTheServerAnsweredInstead) {
    serve({"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"});
    const auto content = fetch_by_http(request(), give_up_);
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().detail, "the server answered 404");
}

}  // namespace
}  // namespace cygnet::os
