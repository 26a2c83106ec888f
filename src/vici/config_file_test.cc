#include "vici/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vici/test_files.h"

namespace cygnet::vici {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

ParsedConfigFile parse(std::string text, std::map<std::string, std::string> others = {}) {
    TestFiles files;
    files.contents = std::move(others);
    files.contents["/etc/c.conf"] = std::move(text);
    return parse_config_file(files, "/etc/c.conf");
}

// The tree as one line; a file that must be without errors.
std::string tree(std::string text, std::map<std::string, std::string> others = {}) {
    const auto parsed = parse(std::move(text), std::move(others));
    for (const Complaint& complaint : parsed.complaints) ADD_FAILURE() << complaint.line();
    return raw_text(parsed.tree);
}

std::vector<std::string> complaints(std::string text, std::map<std::string, std::string> others = {}) {
    std::vector<std::string> lines;
    for (const Complaint& complaint : parse(std::move(text), std::move(others)).complaints)
        lines.push_back(complaint.line());
    return lines;
}

TEST(ConfigFile, ReadsSectionsAndValues) {
    EXPECT_EQ(tree("connections {\n  home {\n    version = 2 # two\n    remote_addrs=192.0.2.1,  moon.example\n"
                   "    local { auth = psk }\n  }\n}\n"),
              "connections {home {version=2 remote_addrs=192.0.2.1, moon.example local {auth=psk}}}");
    EXPECT_EQ(tree(""), "");
    EXPECT_EQ(tree("# nothing\n\n"), "");
    EXPECT_EQ(tree("a\n{\n b = c\n}\n"), "a {b=c}");
    EXPECT_EQ(tree("id = C=CH, O=Cygnet\n"), "id=C=CH, O=Cygnet");
}

TEST(ConfigFile, UnderstandsQuotesAndEscapes) {
    const auto value = [](std::string text) { return std::string(*parse("k = " + text).tree.text("k")); };
    EXPECT_EQ(value("\"a # b } c\" # comment"), "a # b } c");
    EXPECT_EQ(value(R"("tab\tquote\" back\\ line\n x\y")"), "tab\tquote\" back\\ line\n xy");
    EXPECT_EQ(value("\"one \\\ntwo\""), "one two");
    EXPECT_EQ(value("a   b\t c"), "a b c");
}

TEST(ConfigFile, MergesRepeatedSectionsAndReplacesRepeatedKeys) {
    EXPECT_EQ(tree("a { x = 1\n y = 2 }\n b { }\n a { x = 3 }\n"), "a {x=3 y=2} b {}");
}

TEST(ConfigFile, IncludesFilesRelativeToTheIncludingOne) {
    EXPECT_EQ(tree("connections {\n include conf.d/*.conf\n}\ninclude secrets.conf\n",
                   {{"/etc/conf.d/a.conf", "home { version = 2 }"},
                    {"/etc/conf.d/b.conf", "include deep/c.conf"},
                    {"/etc/conf.d/deep/c.conf", "office { version = 0 }"},
                    {"/etc/conf.d/not-this", "} broken"},
                    {"/etc/secrets.conf", "secrets { ike { secret = x } }"}}),
              "connections {home {version=2} office {version=0}} secrets {ike {secret=x}}");
    EXPECT_EQ(tree("include conf.d/*.conf\n"), "") << "a pattern may match nothing";
    EXPECT_THAT(complaints("\ninclude missing.conf"),
                ElementsAre("/etc/c.conf:2: include: there is no file /etc/missing.conf"));
    EXPECT_THAT(complaints("include c.conf"), ElementsAre(HasSubstr("too deeply")));
}

TEST(ConfigFile, InheritsKeysAndSubsections) {
    EXPECT_EQ(tree("base { x = 1\n y = 2\n sub { k = v } }\n"
                   "other { z = 9\n x = 8 }\n"
                   "a : base, other { y =\n sub { l = w } }\n"),
              "base {x=1 y=2 sub {k=v}} other {z=9 x=8} a {sub {l=w k=v} x=1 z=9}");
    EXPECT_EQ(tree("c { home : t.roadwarrior { version = 2 } }\nt { roadwarrior { dpd_delay = 30s } }"),
              "c {home {version=2 dpd_delay=30s}} t {roadwarrior {dpd_delay=30s}}")
        << "references are resolved when everything is read";
    EXPECT_THAT(complaints("a : nobody { }"), ElementsAre("/etc/c.conf:1: there is no section nobody to inherit from"));
    EXPECT_THAT(complaints("a { b : a { } }"), ElementsAre(HasSubstr("inherits from what contains it")));
    // Three sections at each depth.
    EXPECT_THAT(complaints("a {\n b : a { }\n c : a { }\n d : a { }\n}"), Contains(HasSubstr("too large")));
}

TEST(ConfigFile, CollectsErrorsWithTheirLinesAndReadsOn) {
    EXPECT_THAT(complaints("a {\n  nonsense\n  = x\n  b = \"open\n}\n}\nc = 1\n"),
                ElementsAre("/etc/c.conf:2: 'nonsense' is followed by neither '=' nor '{'",
                            "/etc/c.conf:3: unexpected '='; a key or the name of a section goes here",
                            "/etc/c.conf:4: the quotation that begins here does not end in its line",
                            "/etc/c.conf:6: '}' without a section that it could end"));
    EXPECT_EQ(*parse("a {\n nonsense\n}\n}\nc = 1\n").tree.text("c"), "1");
    EXPECT_THAT(complaints("a {\n b {\n  c = 1\n }\n"),
                ElementsAre("/etc/c.conf:1: the section that begins here is never closed: a '}' is missing"));
    EXPECT_THAT(complaints("a : { }"), ElementsAre(HasSubstr("names of sections")));
}

TEST(ConfigFile, SaysWhyAFileCannotBeRead) {
    TestFiles none;
    const auto parsed = parse_config_file(none, "/etc/c.conf");
    ASSERT_EQ(parsed.complaints.size(), 1u);
    EXPECT_EQ(parsed.complaints[0].line(), "cannot read /etc/c.conf: no such file");
}

TEST(ConfigFile, RemembersThePlaceOfEveryEntry) {
    const auto parsed = parse("a {\n\n  b = 1\n}\ninclude d.conf\n", {{"/etc/d.conf", "\n\nd = 2"}});
    EXPECT_EQ(parsed.tree.section("a")->find("b")->place.text(), "/etc/c.conf:3");
    EXPECT_EQ(parsed.tree.find("d")->place.text(), "/etc/d.conf:3");
}

TEST(ConfigFile, BoundsTheNestingOfSections) {
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "a {";
    EXPECT_THAT(complaints(deep), testing::Contains(HasSubstr("too deeply")));
}

}  // namespace
}  // namespace cygnet::vici
