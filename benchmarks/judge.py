"""The judge's speed, and how much of a long run its cache would answer.

    python benchmarks/judge.py                       # 128 calls of 0.5 s, ours and one by one
    python benchmarks/judge.py replay RUN [RUN ...]  # what the cache answers, from runs' folders

The service is a process of its own on loopback that answers every request after half a second.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

CALLS = 128  # of a step of the paper: 32 prompts x 4 completions
LATENCY = 0.5  # seconds
REPEATS = 3
ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "{score: 1}"},
            }
        ],
        "usage": {"prompt_tokens": 150, "completion_tokens": 6, "total_tokens": 156},
    }
).encode()


def serve(said: Connection) -> None:
    """Answer for ever; ``said`` gets the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                await asyncio.sleep(LATENCY)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
        said.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def latency() -> None:
    """Time ours and the plain way, print a table."""
    import openai

    from grit.judge.judge import Query
    from grit.judge.prompt import answer_content
    from grit.judge.service import Service, ServiceJudge

    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    server.start()
    address = f"http://127.0.0.1:{here.recv()}/v1"
    queries = [Query("How many dogs are there?", "2", f"{n} dogs") for n in range(CALLS)]
    ours = []
    for _ in range(REPEATS):
        judge = ServiceJudge(Service("m", address))
        start = time.perf_counter()
        assert judge.score(queries) == [1.0] * CALLS
        ours.append(time.perf_counter() - start)
    client = openai.OpenAI(base_url=address, api_key="none")
    start = time.perf_counter()
    for query in queries:
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": str(answer_content(query))}]
        )
    plain = time.perf_counter() - start
    server.terminate()
    best = min(ours)
    print(f"load average of this machine: {os.getloadavg()[0]:.1f}")
    print("| 128 calls of 0.5 s | seconds |\n| --- | ---: |")
    print(f"| one after another | {plain:.2f} |")
    print(f"| ours, 64 in flight (best of {REPEATS}) | {best:.2f} |")
    print(f"| all {REPEATS} | {', '.join(f'{one:.2f}' for one in ours)} |")
    print(f"| ratio | {plain / best:.0f} |")


def replay(folders: list[Path]) -> None:
    """How many judgements each run's cache answered, step by step."""
    print("| run | steps | judgements | asked | answered without a call | last quarter |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for folder in folders:
        steps = [json.loads(line) for line in (folder / "judgements.jsonl").open()]
        seen: set[tuple[str, ...]] = set()
        fresh = []
        for step in steps:
            triples = {tuple(triple) for triple in step}
            fresh.append(len(triples - seen))
            seen |= triples
        total = sum(map(len, steps))
        last = steps[-len(steps) // 4 :]
        saved = 1 - sum(fresh) / total
        late = 1 - sum(fresh[-len(last) :]) / max(1, sum(map(len, last)))
        print(
            f"| {folder.name} | {len(steps)} | {total:,} | {sum(fresh):,} "
            f"| {saved:.1%} | {late:.1%} |"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["replay"]:
        replay([Path(name) for name in sys.argv[2:]])
    else:
        latency()
