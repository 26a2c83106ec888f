"""Shows that each rule of tools/tidy can fail:  python3 tools/tidy_test.py"""

import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader(
    "tidy", str(pathlib.Path(__file__).resolve().parent / "tidy"))
tidy = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", LOADER))
LOADER.exec_module(tidy)

LAYERS = tidy.read_layers()


def findings(path, text):
    """What tidy says of a file that is not on the disk."""
    source = tidy.Source.__new__(tidy.Source)
    source.path = pathlib.Path(path)
    source.text, source.lines = text, text.splitlines()
    parts = source.path.parts
    source.layer = parts[1] if parts[0] == "src" else parts[0]
    source.is_code = source.path.suffix in (".cc", ".h")
    source.is_test = source.path.name.endswith("_test.cc")
    return [message for _, message in tidy.findings_of(source, LAYERS)]


class Layering(unittest.TestCase):
    def test_wire_may_not_know_ike(self):
        self.assertIn("wire may not use ike", findings("src/wire/a.cc", '#include "ike/engine.h"\n')[0])

    def test_ike_and_esp_do_not_know_each_other(self):
        self.assertIn("esp may not use ike", findings("src/esp/a.cc", '#include "ike/engine.h"\n')[0])
        self.assertNotIn("esp", LAYERS["ike"])

    def test_a_folder_may_use_what_the_table_names(self):
        self.assertEqual([], findings("src/ike/a.cc", '#include "base/bytes.h"\n'))

    def test_the_table_has_no_cycle(self):
        for folder, uses in LAYERS.items():
            for used in uses:
                self.assertNotIn(folder, LAYERS[used], f"{folder} and {used} use each other")

    def test_cmake_obeys_the_table_too(self):
        self.assertEqual(["model may not use wire (tools/layers.txt)"],
                         findings("src/model/CMakeLists.txt", "cygnet_library(model USES base wire)\n"))


class Purity(unittest.TestCase):
    def test_the_core_includes_no_thread_clock_socket_or_file(self):
        for header in ("thread", "mutex", "sys/socket.h", "fstream", "ctime"):
            self.assertEqual(1, len(findings("src/ike/a.cc", f"#include <{header}>\n")), header)

    def test_a_duration_is_not_a_clock(self):
        self.assertEqual([], findings("src/ike/a.cc", "#include <chrono>\nstd::chrono::seconds s;\n"))
        self.assertEqual(1, len(findings("src/ike/a.cc", "auto t = std::chrono::steady_clock::now();\n")))

    def test_cryptography_headers_stay_in_crypto(self):
        text = "#include <openssl/evp.h>\n"
        self.assertEqual([], findings("src/crypto/openssl.cc", text))
        self.assertEqual(1, len(findings("src/crypto/aead.h", text)))
        self.assertEqual(1, len(findings("src/daemon/main.cc", text)))

    def test_only_features_ask_what_was_negotiated(self):
        text = "void f() { if (sa.negotiated(ppk)) return; }\n"
        self.assertEqual(1, len(findings("src/ike/exchange/auth.cc", text)))
        self.assertEqual([], findings("src/ike/feature/ppk.cc", text))


class Lengths(unittest.TestCase):
    def function(self, lines):
        return "int f(int a) {\n" + "    ++a;\n" * (lines - 2) + "}\n"

    def test_a_function_of_80_lines_passes_and_81_do_not(self):
        self.assertEqual([], findings("src/os/a.cc", self.function(80)))
        self.assertEqual(1, len(findings("src/os/a.cc", self.function(81))))

    def test_an_exception_needs_a_written_reason(self):
        text = "// tidy-allow long-function: one table.\n" + self.function(81)
        self.assertEqual([], findings("src/os/a.cc", text))

    def test_methods_constructors_and_templates_are_functions(self):
        body = "{\n" + "    ++a;\n" * 90 + "}\n"
        for head in ("Window::Window(int a) : a_{a}, b_(a) ", "template <class T>\nint f(T a) ",
                     "auto f(int a) -> Result<int> ", "bool Window::operator==(int a) const noexcept "):
            self.assertEqual(1, len(findings("src/os/a.cc", "namespace x {\n" + head + body + "}\n")), head)

    def test_a_long_class_or_table_is_not_a_function(self):
        rows = "    {1, 2},\n" * 90
        self.assertEqual([], findings("src/os/a.cc", "constexpr Row rows[] = {\n" + rows + "};\n"))
        self.assertEqual([], findings("src/os/a.h", "class A {\n" + "    int a();\n" * 90 + "};\n"))

    def test_braces_in_strings_and_comments_do_not_count(self):
        self.assertEqual([], findings("src/os/a.cc", 'const char* f() { return "{"; }  // {\n' * 90))

    def test_a_file_of_601_lines_is_too_long(self):
        self.assertEqual([], findings("src/os/a.cc", "\n" * 600))
        self.assertEqual(1, len(findings("src/os/a.cc", "\n" * 601)))


class Words(unittest.TestCase):
    def test_paths_of_one_machine(self):
        self.assertEqual(1, len(findings("docs/a.md", "see /wo" + "rk/here\n")))
        self.assertEqual(1, len(findings("tests/a.cc", 'open("/tm' + 'p/x");\n')))
        self.assertEqual([], findings("docs/a.md", "see src/wo" + "rk/x and $HOME/tm" + "p/y\n"))

    def test_unfinished_notes(self):
        self.assertEqual(1, len(findings("src/os/a.cc", "// TO" + "DO: later\n")))


if __name__ == "__main__":
    unittest.main()
