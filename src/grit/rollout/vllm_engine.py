"""vLLM as the engine: completions by servers, which get every new version of the weights.

Every call states or checks what a server could do differently: token ids of the expanded prompt,
forbidden ids, what ends a completion, and the version of the weights.
"""

import asyncio
import math
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from grit.core import processes
from grit.core.background import in_background
from grit.core.disk import refusing_if_full
from grit.core.picture_bytes import data_uri
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.rollout.engine import STOP, Completion, Ending, Engine, Watch, Weights
from grit.rollout.scratch import Scratch
from grit.rollout.settings import Sampling
from grit.rollout.vllm_server import AT_ONCE, EngineFailed, VLLMServer

MODEL = "grit"  # the name by which servers serve the base
BASE = "default"  # vLLM's version of the weights that a server has begun with
BAN = -100.0  # the lowest bias of vLLM's protocol
AT_THE_END = 5.0  # seconds that a server may take to forget an adapter
MEMORY = Path("/dev/shm")  # files there are not written to a disk


class VLLM(Engine):
    """Completes prompts by vLLM servers, each with a part of them.

    Every rank makes one: it asks the servers for its own prompts, and rank 0 updates them.

    Args:
        adapter: of the model that learns; LoRA is sent as an adapter, other weights whole.
        servers: that serve its base.
        folder: where weights are written for the servers, which have to see it by the same path;
            None: in memory, for servers on this machine.
    """

    prompts_at_a_time = 256

    def __init__(
        self, adapter: Adapter, servers: Sequence[VLLMServer], folder: Path | None = None
    ) -> None:
        self.adapter, self.servers = adapter, servers
        self._root = folder
        self._scratch: Scratch | None = None
        self._ends = Ending(adapter)
        self._run = processes.all_gather(secrets.token_hex(4))[0]
        self._version: int | None = None

    @property
    def serves_lora(self) -> bool:
        """Whether what learns is a LoRA adapter."""
        return hasattr(self.adapter.model, "disable_adapter")

    @property
    def label(self) -> str:
        """The name of the present weights, which no other run and no other version has."""
        return f"{self._run}-{self._version}"

    # --- weights

    def update(self, version: int, weights: Weights) -> None:
        """As every ``Engine``; rank 0 writes the weights and has every server load them."""
        if version == self._version:
            return
        whole = weights()
        former = None if self._version is None else self.label
        self._version = version
        processes.fail_together(
            lambda: self._send(whole, former) if processes.rank() == 0 else None
        )

    def _send(self, weights: Mapping[str, Tensor], former: str | None) -> None:
        if self.serves_lora:
            with self._new_folder(weights) as folder:
                self.adapter.model.save_pretrained(folder, state_dict=dict(weights))
            for server in self.servers:
                server.load_adapter(self.label, folder, former)
            return
        names = [name for name, _ in self.adapter.plain.named_parameters()]  # tied ones once
        whole = {name: weights[name].detach().cpu().contiguous() for name in names}
        with self._new_folder(whole) as folder:
            file = folder / "weights.safetensors"
            save_file(whole, file)
        for server in self.servers:
            server.load_weights(file, self.label)
        file.unlink()

    @contextmanager
    def _new_folder(self, weights: Mapping[str, Tensor]) -> Iterator[Path]:
        """A folder for this version, in place of the former one's; the block writes into it.

        Raises:
            Resumable: there is no room for the weights.
        """
        self._clear()
        root = self._root or (MEMORY if MEMORY.is_dir() else Path(gettempdir()))
        mend = "name another place by rollout.weights_folder=FOLDER"
        if root == MEMORY:
            mend += ", or enlarge it (docker run --shm-size)"
        size = sum(each.nbytes for each in weights.values())
        with refusing_if_full("a version of the weights", size, root, mend):
            self._scratch = Scratch(root)
            folder = self._scratch.path
            yield folder
        if self._root is not None:  # a server elsewhere may run as another user
            folder.chmod(0o755)
            for file in folder.iterdir():
                file.chmod(0o644)

    def _clear(self) -> None:
        if self._scratch is not None:
            self._scratch.remove()
            self._scratch = None

    def close(self) -> None:
        """Close connections, remove what was written and loaded; servers of the user go on."""
        self._clear()
        forgets = self.serves_lora and self._version is not None and processes.rank() == 0
        for server in self.servers:
            with suppress(EngineFailed):  # it may be what has ended the run
                if forgets:
                    server.unload_adapter(self.label, timeout=AT_THE_END)
            server.close()

    # --- completions

    def sample(
        self,
        prompts: Sequence[EncodedPrompt],
        seeds: Sequence[Sequence[int]],
        sampling: Sampling,
        watch: Watch | None = None,
    ) -> list[list[Completion]]:
        """As every ``Engine``; the completions have the engine's log-probabilities.

        ``watch`` is told of whole completions.

        Raises:
            EngineFailed: a server does not answer, or answers what it should not.
        """
        # In a daemon thread, so that Ctrl-C does not wait for the servers.
        everything = in_background(lambda: asyncio.run(self._all(prompts, seeds, sampling, watch)))
        return everything.result()

    async def _all(
        self,
        prompts: Sequence[EncodedPrompt],
        seeds: Sequence[Sequence[int]],
        sampling: Sampling,
        watch: Watch | None,
    ) -> list[list[Completion]]:
        bodies = [self._body(prompt, sampling) for prompt in prompts]
        async with AsyncExitStack() as stack:
            sessions = [
                (each, await stack.enter_async_context(each.session()), asyncio.Semaphore(AT_ONCE))
                for each in self.servers
            ]

            async def complete(place: int, number: int, seed: int) -> Completion:
                # Prompts go round the servers; ranks begin at different ones.
                server, session, free = sessions[(place + processes.rank()) % len(sessions)]
                body = bodies[place]
                seeded = {**body["sampling_params"], "seed": seed}
                async with free:
                    answer = await server.generate(session, {**body, "sampling_params": seeded})
                completion = self._completion(answer, server, prompts[place], sampling)
                if watch is not None:
                    watch(place, number, completion.token_ids, not completion.truncated)
                return completion

            try:
                async with asyncio.TaskGroup() as tasks:
                    groups = [
                        [
                            tasks.create_task(complete(place, number, seed))
                            for number, seed in enumerate(seeds[place])
                        ]
                        for place in range(len(prompts))
                    ]
            except BaseExceptionGroup as failures:
                raise _first(failures) from failures
            return [[task.result() for task in group] for group in groups]

    def _body(self, prompt: EncodedPrompt, sampling: Sampling) -> dict[str, Any]:
        """A request without its seed, in vLLM's protocol."""
        url = data_uri(prompt.image, "PNG", compress_level=1)
        return {
            "model": self.label if self.serves_lora else MODEL,
            "token_ids": self.adapter.with_one_placeholder(prompt.input_ids.tolist()),
            "content_parts": [{"type": "image_url", "url": url}],
            "return_token_ids": True,
            "sampling_params": {
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
                "max_tokens": sampling.max_new_tokens,
                "logprobs": 0,  # of the sampled token alone
                "stop": [STOP],
                "include_stop_str_in_output": True,
                "stop_token_ids": sorted(self.adapter.end_ids),
                "logit_bias": {str(i): BAN for i in self.adapter.forbidden_ids.tolist()},
            },
        }

    def _completion(
        self,
        answer: Mapping[str, Any],
        server: VLLMServer,
        prompt: EncodedPrompt,
        sampling: Sampling,
    ) -> Completion:
        """The completion of an answer.

        Raises:
            EngineFailed: it is of another prompt, of other weights, or no whole completion.
        """
        try:
            read, (choice,) = answer["prompt_token_ids"], answer["choices"]
            ids = tuple(choice["token_ids"])
            logps = tuple(float(each["logprob"]) for each in choice["logprobs"]["content"])
            versions = {each["version"] for each in choice["weight_versions"] or ()}
        except (KeyError, TypeError, ValueError) as error:
            raise server.failed(f"answers in another form ({error!r:.80})") from error
        if read != prompt.input_ids.tolist():
            raise server.failed(_other_prompt(prompt, read))
        if self.serves_lora and versions - {BASE}:
            raise server.failed(
                f"has weights of version {', '.join(sorted(versions))} in the place of its base: "
                "another run has sent it whole weights; start it anew"
            )
        if not self.serves_lora and versions != {self.label}:
            found = ", ".join(sorted(versions)) or "none"
            raise server.failed(
                f"samples from weights of version {found}, not {self.label}: was it restarted, or "
                "does another run use it?"
            )
        if not ids or len(logps) != len(ids) or not all(map(math.isfinite, logps)):
            raise server.failed(f"answers {len(ids)} tokens with {len(logps)} log-probabilities")
        ended = self._ends(ids)
        if not ended and len(ids) < sampling.max_new_tokens:
            raise server.failed(
                f"ended a completion after {len(ids)} tokens ({choice.get('finish_reason')}): its "
                "--max-model-len may be too small; start one with more, and go on by rollout.urls"
            )
        return Completion(ids, self.adapter.decode(ids), truncated=not ended, logps=logps)


def _other_prompt(prompt: EncodedPrompt, read: Sequence[int]) -> str:
    ours = prompt.input_ids.tolist()
    same = [mine == theirs for mine, theirs in zip(ours, read, strict=False)]
    place = same.index(False) if False in same else len(same)
    return (
        f"reads prompt {prompt.id} as {len(read)} tokens, not {len(ours)}, the first other one at "
        f"{place}: does it serve model.path, with the image settings of model.image?"
    )


def _first(failures: BaseExceptionGroup) -> BaseException:
    """One failure of many, which are nearly always the same."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
