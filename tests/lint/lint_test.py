"""The lint itself: each rule must find a planted violation and leave the allowed neighbour alone."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import lint

LINT = pathlib.Path(__file__).with_name("lint.py")


class Planted(unittest.TestCase):
    """One small tree per test, checked by the program as CI runs it."""

    def run_lint(self, files, *options):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            run = subprocess.run([sys.executable, str(LINT), "--root", folder, *options],
                                 capture_output=True, text=True)
            return run.returncode, run.stdout

    def finds(self, path, text, expected, *options):
        code, out = self.run_lint({path: text}, *options)
        self.assertEqual(code, 1, out)
        self.assertIn(expected, out)

    def allows(self, path, text):
        code, out = self.run_lint({path: text})
        self.assertEqual(code, 0, out)

    def test_a_layer_including_upwards_is_found(self):
        self.finds("storage/a.cpp", '#include "ingest/ingest.h"\n', "storage/a.cpp:1")
        self.finds("proto/base/a.cpp", '#include "proto/frame/frame.h"\n', "proto/base/a.cpp:1")
        self.finds("proto/log/a.cpp", '// text\n#include "proto/keyring/keyring.h"\n', "proto/log/a.cpp:2")
        self.allows("storage/a.cpp", '#include "proto/frame/frame.h"\n')

    def test_a_source_that_does_not_begin_with_its_own_header_is_found(self):
        for source in ("#include <map>\n#include \"storage/a.h\"\n", "int a;\n"):
            code, out = self.run_lint({"storage/a.h": "#pragma once\n", "storage/a.cpp": source})
            self.assertEqual(code, 1, out)
            self.assertIn("storage/a.cpp:1: include storage/a.h", out)
        code, out = self.run_lint({"storage/a.h": "#pragma once\n",
                                   "storage/a.cpp": "// text\n#include \"storage/a.h\"\n"})
        self.assertEqual(code, 0, out)

    def test_a_step_without_words_for_a_patient_is_found(self):
        steps = "id: p\nsteps:\n  - id: time-out\n    title: T\n  - {id: count, title: C}\n"
        path = "deploy/protocols/p.yaml"
        words = "lay:\n  procedure: an operation\n  steps:\n    time-out: the safety check\n"
        self.finds(path, steps, "no words for a patient of time-out")
        self.finds(path, steps + words, "no words for a patient of count")
        self.allows(path, steps + words + "    count: the counting\n")
        self.finds(path, steps + words.replace("  procedure: an operation\n", "") + "    count: the counting\n",
                   "of (procedure)")
        self.allows("tests/p.yaml", steps)

    def test_siblings_including_each_other_are_found(self):
        self.finds("recorder/a.cpp", '#include "analytics/event_log.h"\n', "recorder includes")
        self.finds("recorder/sources/a.cpp", '#include "ingest/ingest.h"\n', "recorder includes")
        self.finds("analytics/a.cpp", '#include "recorder/sim/plan.h"\n', "analytics includes")
        self.finds("ingest/a.cpp", '  #  include "recorder/sim/plan.h"\n', "ingest includes")
        self.finds("recorder/a.cpp", '#include "storage/store.h"\n', "recorder includes")
        self.allows("recorder/a.cpp", '#include "ingest/bus/forwarder.h"\n')
        self.allows("recorder/sim/a.cpp", '#include "recorder/sources/source.h"\n')

    def test_a_room_of_tools_that_builds_on_a_later_one_is_found(self):
        self.finds("tools/store/a.cpp", '#include "tools/query/facts.h"\n', "rooms build on those before them")
        self.finds("tools/attic/a.cpp", '#include "tools/cli/args.h"\n', "rooms build on those before them")
        self.allows("tools/query/a.cpp", '#include "tools/store/store_access.h"\n')
        self.allows("tools/main.cpp", '#include "tools/commands/commands.h"\n')

    def test_a_private_header_used_from_outside_is_found(self):
        self.finds("tools/a.cpp", '#include "storage/internal/keys.h"\n', "private to storage")
        self.finds("tests/unit/ingest/a.cpp", '#include "storage/internal/keys.h"\n', "private to storage")
        self.allows("storage/a.cpp", '#include "storage/internal/keys.h"\n')
        self.allows("tests/unit/storage/a.cpp", '#include "storage/internal/keys.h"\n')

    def test_the_schema_is_the_protocols(self):
        self.allows("analytics/a.cpp", '#include "casebox/v1/event.pb.h"\n')
        self.finds("proto/base/a.cpp", '#include "casebox/v1/event.pb.h"\n', "proto/base includes")

    def test_a_library_outside_its_folder_is_found(self):
        for header, home in (("rocksdb/db.h", "storage"), ("librdkafka/rdkafka.h", "ingest/bus"),
                             ("libavformat/avformat.h", "recorder/sources"), ("openssl/evp.h", "proto/seal"),
                             ("boost/beast/http.hpp", "tools/web"), ("nlohmann/json.hpp", "tools")):
            with self.subTest(header):
                self.finds("ingest/a.cpp", f"#include <{header}>\n", "that library lives in")
                self.allows(f"{home}/a.cpp", f"#include <{header}>\n")

    def test_an_unknown_library_is_found(self):
        self.finds("tools/a.cpp", "#include <acme/anvil.h>\n", "a library not in tests/lint/layers.py")
        self.allows("tools/a.cpp", "#include <vector>\n#include <sys/stat.h>\n#include <unistd.h>\n")

    def test_a_test_library_outside_tests_is_found(self):
        self.finds("tools/a.cpp", "#include <gtest/gtest.h>\n", "outside tests")
        self.allows("tests/unit/tools/a.cpp", "#include <gtest/gtest.h>\n")

    def test_a_header_without_guard_is_found(self):
        self.finds("tools/a.h", "int x();\n", "#pragma once")
        self.allows("tools/a.h", "#pragma once\nint x();\n")

    def test_a_long_file_is_found_whatever_it_is(self):
        for name in ("tools/a.cpp", "docs/a.md", "tools/page/src/a.ts", "deploy/a"):
            self.finds(name, "//\n" * 501, "501 lines")
        self.allows("tools/a.cpp", "//\n" * 500)
        self.allows("tools/page/package-lock.json", "{}\n" * 501)

    def test_machine_paths_hosts_and_markers_are_found(self):
        # Put together here so that the lint does not find them in this file.
        for text in ("/wo" + "rk/main", "cd /t" + "mp/x", '"/ho' + 'me/me"', "registry.npmjs" + ".org",
                     "https://py" + "pi.org/simple", "TO" + "DO: later", "// FIX" + "ME"):
            with self.subTest(text):
                self.finds("docs/a.md", text + "\n", "docs/a.md:1")
        self.allows("docs/a.md", "a frame/work/unit, $HOME/work/x, build/tmp/file, the to-do list\n")

    def test_unformatted_code_is_found(self):
        if lint.clang_format() is None:
            self.skipTest("clang-format 14 is not here")
        self.finds("tools/a.cpp", "int   x( ){return 1 ;}\n", "code should be clang-formatted", "--format")


if __name__ == "__main__":
    unittest.main()
