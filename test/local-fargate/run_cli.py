"""Runs AWS CLI commands one after the other in one process, which saves most of the CLI's start-up time.

Reads JSON from standard input, a list of argument lists, and writes what each printed up to the first that fails:
[{"code", "stdout", "stderr"}].
An argument {"output": [index, "path.to.member"]} stands for a member of what an earlier command printed.
"""

import contextlib
import io
import json
import os
import sys

from awscli.clidriver import create_clidriver


def resolve(argument, results):
    if isinstance(argument, str):
        return argument
    index, path = argument["output"]
    value = json.loads(results[index]["stdout"])
    for part in path.split("."):
        value = value[int(part)] if part.isdigit() else value[part]
    return value


def run(driver, arguments):
    stdout, stderr = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            code = driver.main(arguments)
        except SystemExit as end:
            code = end.code
    stdout.flush()
    return {"code": code, "stdout": stdout.buffer.getvalue().decode(), "stderr": stderr.getvalue()}


def main():
    driver = create_clidriver()
    results = []
    # Programs that the CLI starts write where standard output was.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for arguments in json.load(sys.stdin):
        results.append(run(driver, [resolve(argument, results) for argument in arguments]))
        if results[-1]["code"] != 0:
            # Those that follow build on it.
            break
    json.dump(results, answer)
    answer.flush()


main()
