"""Where a breakpoint goes that has no code under it."""

from __future__ import annotations

from alphintra_kernel.code_lines import nearest

SOURCE = '''import x

class A(B):
    def on_start(self):
        self.a = [
            1]

    @decorated
    def on_bar(self):
        """Doc

        string."""

        # comment
        if self.n:
            self.buy()
        # the end

y = 1
'''


def test_each_line_goes_to_the_next_one_with_code_in_its_function():
    code = compile(SOURCE, "x", "exec")
    asked = {1: 1, 2: 3, 5: 5, 10: 15, 12: 15, 13: 15, 14: 15, 15: 15, 16: 16, 18: 19, 19: 19, 20: 19, 99: 19}
    assert {line: nearest(code, line) for line in asked} == asked


def test_a_source_without_code_keeps_its_lines():
    assert nearest(compile("# nothing\n\n# at all\n", "x", "exec"), 3) == 3
