"""The judge's speed, and how much of a training run its cache answers.

    python benchmarks/judge.py                   # 128 calls of 0.5 s, ours and one after another
    python benchmarks/judge.py cache [OVERRIDE]  # trains with an empty cache and counts the calls
    python benchmarks/judge.py count RUN         # the same counts of a run that is there already

The service is a process of its own on loopback. For the first it answers everything after half a
second; for the second it judges by the suite's rules, so that training goes as it does with them.
"""

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from grit.judge.judge import Query
from grit.judge.prompt import answer_content
from grit.judge.rules import RulesJudge

CALLS = 128  # of a step of the paper: 32 prompts x 4 completions
LATENCY = 0.5  # seconds
REPEATS = 3
STEPS = 200


def serve(said: Connection, latency: float) -> None:
    """Answer for ever; ``said`` gets the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                body = reply(await reader.readexactly(length))
                await asyncio.sleep(latency)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
        said.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def reply(request: bytes) -> bytes:
    """A chat completion with the rules' score."""
    text = json.loads(request)["messages"][0]["content"]
    question, rest = text.split("Question: ", 1)[1].split("\nStandard answer: ", 1)
    query = Query(question, *rest.split("\nModel's answer: ", 1))
    message = {"role": "assistant", "content": f"{{score: {RulesJudge().score([query])[0]}}}"}
    completion = {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 150, "completion_tokens": 6, "total_tokens": 156},
    }
    return json.dumps(completion).encode()


def started(latency: float) -> str:
    """Start the service; its address."""
    here, there = multiprocessing.Pipe()
    multiprocessing.Process(target=serve, args=(there, latency), daemon=True).start()
    return f"http://127.0.0.1:{here.recv()}/v1"


def speed() -> None:
    """Time ours and the plain way, print a table."""
    import openai

    from grit.judge.service import ServiceJudge
    from grit.judge.settings import ServiceJudgeSettings

    address = started(LATENCY)
    queries = [Query("How many dogs are there?", "2", f"{n} dogs") for n in range(CALLS)]
    ours, processor = [], []
    for _ in range(REPEATS):
        settings = ServiceJudgeSettings(name="openai", model="m", base_url=address)
        judge = ServiceJudge(settings)
        start, used = time.perf_counter(), time.process_time()
        assert None not in judge.score(queries)
        ours.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    client = openai.OpenAI(base_url=address, api_key="none")
    start = time.perf_counter()
    for query in queries:
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": str(answer_content(query))}]
        )
    plain = time.perf_counter() - start
    best = min(ours)
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    print("| 128 calls of 0.5 s | seconds |\n| --- | ---: |")
    print(f"| one after another | {plain:.2f} |")
    print(f"| ours, 64 in flight: best of {REPEATS} | {best:.2f} |")
    print(f"| all {REPEATS} | {', '.join(f'{one:.2f}' for one in ours)} |")
    print(f"| of these the processor's | {', '.join(f'{one:.2f}' for one in processor)} |")
    print(f"| ratio | {plain / best:.0f} |")


def cache(overrides: list[str]) -> None:
    """Train with an empty cache; how many judgements needed a call."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "grit", "judge=openai", f"hydra.run.dir={run}"]
        command += [f"judge.base_url={started(0.0)}", f"judge.cache={folder}/cache"]
        command += ["evaluation.before_training=false", "evaluation.after_training=false"]
        subprocess.run([*command, f"trainer.max_steps={STEPS}", *overrides], check=True)
        count(run)


def count(run: Path) -> None:
    """What the steps of a run say about its cache, print a table."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    calls = [json.loads(line)["train/judge/calls"] for line in lines]
    print("| steps | completions to judge | calls | without a call |\n| --- | ---: | ---: | ---: |")
    for first, last in ((0, len(calls)), (len(calls) * 3 // 4, len(calls))):
        judged, asked = CALLS * (last - first), sum(calls[first:last])
        share = 1 - asked / judged
        print(f"| {first + 1} to {last} | {judged:,} | {asked:,.0f} | {share:.1%} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["cache"]:
        cache(sys.argv[2:])
    elif sys.argv[1:2] == ["count"]:
        count(Path(sys.argv[2]))
    else:
        speed()
