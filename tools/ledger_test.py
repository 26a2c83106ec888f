"""Shows what tools/ledger reads as a citation, and what it refuses:  python3 tools/ledger_test.py"""

import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader("ledger", str(pathlib.Path(__file__).resolve().parent / "ledger"))
ledger = importlib.util.module_from_spec(importlib.util.spec_from_loader("ledger", LOADER))
LOADER.exec_module(ledger)


def cited(text, program="ike_test"):
    return list(ledger.citations_of(text, program))


class Citations(unittest.TestCase):
    def test_above_a_test_belong_to_it(self):
        self.assertEqual(cited("// RFC 7296 §2.3 [16]: one request.\nTEST(Window, IsOne) {\n}\n"),
                         [(16, r"ike_test\.Window\.IsOne")])

    def test_of_two_documents_in_one_line_count_both(self):
        self.assertEqual([row for row, _ in cited("// RFC 7296 §2 [7], RFC 7383 §2.3 [141]: large.\nTEST(A, B) {}\n")], [7, 141])

    def test_inside_a_test_belong_to_it(self):
        self.assertEqual(cited("TEST(Window, IsOne) {\n    // RFC 7296 §2.3 [16, 18-19]: no more.\n}\n"),
                         [(row, r"ike_test\.Window\.IsOne") for row in (16, 18, 19)])

    def test_of_a_draft_count(self):
        self.assertEqual(cited("// draft-ietf-ipsecme-ikev2-mlkem §3 [162]: lengths.\nTEST(MlKem, Lengths) {}\n"),
                         [(162, r"ike_test\.MlKem\.Lengths")])

    def test_above_a_scenarios_function_find_its_name(self):
        text = '// RFC 7296 §2.8.1 [115]: the lower nonce loses.\nvoid cross(World& world) {}\nconst S all[] = {{"both rekey", cross}};\n'
        (row, test), = cited(text, "sim_test")
        self.assertEqual(row, 115)
        self.assertRegex("sim_test.All/Scenarios.EndsAsItShould/both_rekey", test + "$")

    def test_of_a_python_scenario(self):
        self.assertEqual(cited("# RFC 7296 §1.4 [127]: empty.\n@scenario\ndef lives(lab):\n", "e2e_test"),
                         [(127, r"e2e\.lives")])

    def test_without_a_row_only_explain(self):
        self.assertEqual(cited("TEST(A, B) {\n    // RFC 7296 §2.3: why.\n    int x[3];\n}\n"), [])


class Verdicts(unittest.TestCase):
    def test_a_row_is_held_by_a_passing_test_alone(self):
        for outcome, held in (("passed", True), ("failed", False), ("skipped", False)):
            tests = ledger.judge({1: ()}, {1: {r"t\.A\.b"}}, {"t.A.b": outcome})[1]
            self.assertEqual(ledger.held(tests), held)

    def test_one_failure_outweighs_a_success(self):
        self.assertFalse(ledger.held({"t.A.b": "passed", "t.A.c": "failed"}))

    def test_a_cited_test_that_is_not_there_is_missing(self):
        self.assertEqual(ledger.judge({1: ()}, {1: {r"t\.A\.b"}}, {}), {1: {"t.A.b": "missing"}})

    def test_the_list_has_its_rows(self):
        self.assertEqual(len(ledger.requirements()), 205)


if __name__ == "__main__":
    unittest.main()
