"""Tests of the laboratory's own parts that need neither root nor namespaces."""

import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "interop")]

from lab import CommandFailed, Process, vici, wait_until  # noqa: E402
from lab.pki import KEYS, Authority  # noqa: E402
from lab.process import run, sanitizer_report  # noqa: E402
from scenario import compare, settled  # noqa: E402


class Vici(unittest.TestCase):
    def test_encodes_the_worked_example(self):
        self.assertEqual(vici.encode({"key1": "value1"}), b"\x03\x04key1\x00\x06value1")
        self.assertEqual(vici.encode({"s": {"l": []}}), b"\x01\x01s\x04\x01l\x06\x02")

    def test_decodes_what_it_encodes(self):
        message = {"a": "1", "section": {"list": ["x", "y"], "inner": {"blob": b"\xff\x00"}, "empty": ""}, "none": {}}
        self.assertEqual(vici.decode(vici.encode(message)), message)

    def test_refuses_what_is_cut_off_or_unbalanced(self):
        for data in (b"\x03\x04key1\x00\x06valu", b"\x01\x01s", b"\x09"):
            with self.assertRaises(ValueError):
                vici.decode(data)


class Comparison(unittest.TestCase):
    def test_names_each_difference(self):
        actual = {"state": "ESTABLISHED", "ake1": "ML_KEM_768", "children": [{"name": "net"}]}
        self.assertEqual(list(compare({"state": "ESTABLISHED", "children": [{"name": "net"}], "ake2": None}, actual, "sa")), [])
        differences = list(compare({"state": "CONNECTING", "ake1": None, "ake3": "x", "children": []}, actual, "sa"))
        self.assertEqual(len(differences), 4)
        self.assertIn("sa.state is 'ESTABLISHED', expected 'CONNECTING'", differences)

    def test_leaves_deleted_children_aside(self):
        sa = {"child-sas": {"net-1": {"state": "DELETED"}, "net-2": {"state": "INSTALLED"}}}
        self.assertEqual(settled(sa)["child-sas"], [{"state": "INSTALLED"}])


class Processes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_waits_for_a_line_of_the_log_and_stops(self):
        process = Process("teller", ["sh", "-c", "sleep 0.1; echo ready; exec sleep 60"], log_path=self.folder / "log")
        process.wait_for_log("ready")
        self.assertEqual(process.stop(), -15)

    def test_says_what_a_process_said_that_ended_too_early(self):
        process = Process("quitter", ["sh", "-c", "echo no such device; exit 3"], log_path=self.folder / "log")
        with self.assertRaisesRegex(CommandFailed, "(?s)status 3.*no such device"):
            process.wait_until(lambda: False, "something")

    def test_kills_what_does_not_listen(self):
        process = Process("stubborn", ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"], log_path=self.folder / "log")
        process.wait_for_log("ready")
        self.assertEqual(process.stop(timeout_s=0.2), -9)

    def test_sees_what_a_sanitizer_reports(self):
        for line in ("==7==ERROR: LeakSanitizer: detected memory leaks", "WARNING: ThreadSanitizer: data race (pid=7)",
                     "/src/a.cc:3:9: runtime error: shift exponent 40 is too large"):
            self.assertEqual(sanitizer_report(f"ready\n{line}\nmore\n"), line)
        self.assertIsNone(sanitizer_report("ready\nERROR: no such device\n"))

    def test_waits_no_longer_than_asked(self):
        start = time.monotonic()
        with self.assertRaisesRegex(TimeoutError, "the moon"):
            wait_until(lambda: False, "the moon", timeout_s=0.1)
        self.assertLess(time.monotonic() - start, 2)

    def test_issues_certificates_that_openssl_accepts_until_they_expire(self):
        for kind in KEYS:
            with self.subTest(kind=kind):
                authority = Authority(self.folder, kind)
                good, _ = authority.issue("good.example")
                old, _ = authority.issue("old.example", expired=True)
                verify = ["openssl", "verify", "-CAfile", authority.certificate]
                self.assertEqual(run([*verify, good]).returncode, 0)
                self.assertIn("expired", run([*verify, old], check=False).stderr)


if __name__ == "__main__":
    unittest.main()
