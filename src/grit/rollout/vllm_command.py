"""The command of a vLLM server that completes prompts as this suite needs it."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from grit.core.errors import GritError
from grit.models.adapter import Adapter
from grit.models.folders import settings_in
from grit.models.hub import model_folder
from grit.models.internvl import InternVLAdapter
from grit.models.internvl_layout import MODEL_TYPE
from grit.models.lora import lora_in_vision
from grit.models.names import TINY
from grit.models.settings import ModelSettings
from grit.models.tiny import shipped_folder, tiny_family
from grit.rollout.settings import LARGEST_LORA, RolloutSettings
from grit.rollout.vllm_engine import MODEL

SERVER_SIDE = Path(__file__).parent / "server_side"
ENVIRONMENT = {
    "VLLM_SERVER_DEV_MODE": "1",  # the endpoints of new weights
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "PYTHONPATH": str(SERVER_SIDE),
}
CPU_TOKENS = 8192  # of a batch, and so of a prompt with its completion
ON_A_CPU = {"VLLM_CPU_KVCACHE_SPACE": "1"}  # GiB


@dataclass(frozen=True)
class Served:
    """What a server has to serve."""

    model: ModelSettings
    temperature: float = 1.0  # at which the policy takes log-probabilities

    def command(
        self, adapter: Adapter, settings: RolloutSettings, *, on_gpu: bool, port: int = 8000
    ) -> list[str]:
        """The words of the command; LoRA is served if the adapter's model has it.

        Raises:
            GritError: the model is none that vLLM can load.
        """
        model = self.model
        # Not by a Path, which would make python of ./python.
        python = settings.python or sys.executable
        words = [python, "-m", "vllm.entrypoints.openai.api_server"]
        words += ["--model", str(self._folder()), "--served-model-name", MODEL]
        words += ["--host", "127.0.0.1", "--port", str(port), "--dtype", model.dtype]
        words += ["--enable-scale-out", "--generation-config", "vllm"]
        words += ["--limit-mm-per-prompt", json.dumps({"image": 1, "video": 0})]
        words += ["--worker-extension-cls", "grit_vllm_weights.Weights"]
        words += ["--weight-transfer-config", json.dumps({"backend": "grit_file"})]
        if model.image:
            words += ["--mm-processor-kwargs", json.dumps(dict(model.image))]
        if hasattr(adapter.model, "peft_config"):
            ranks = [each.r for each in adapter.model.peft_config.values()]
            words += ["--enable-lora", "--max-lora-rank", str(_lora_room(max(ranks)))]
            words += ["--max-loras", "1", "--max-cpu-loras", "2"]
            words += ["--enable-tower-connector-lora"] if lora_in_vision(adapter) else []
        if self.temperature != 1:  # what a token was sampled by, not the model's own
            words += ["--logprobs-mode", "processed_logprobs"]
        if on_gpu:  # the context of some models has no room beside their weights
            words += ["--max-model-len", "auto"]
        else:  # with chunked prefill a request with a seed ends the CPU engine (0.32)
            words += ["--enforce-eager", "--no-enable-chunked-prefill"]
            words += ["--max-num-batched-tokens", str(CPU_TOKENS), "--block-size", "32"]
            if adapter.plain.config.get_text_config().max_position_embeddings > CPU_TOKENS:
                words += ["--max-model-len", str(CPU_TOKENS)]
        return [*words, *settings.server_options]

    def _folder(self) -> Path:
        check_servable(self.model)
        path = self.model.path
        if path.startswith(TINY):
            return shipped_folder(tiny_family(path.removeprefix(TINY)))
        return model_folder(path, self.model.revision)


def check_servable(model: ModelSettings) -> None:
    """Raise GritError for a model that vLLM cannot load; its weights are not asked for."""
    path = model.path
    if path.startswith(TINY):
        name = path.removeprefix(TINY)
        if tiny_family(name) != name:
            raise GritError(f"rollout=vllm: model.path={path} has no files that vLLM can load")
        return
    folder = model_folder(path, model.revision, weights=False)
    if settings_in(folder).get("model_type") == MODEL_TYPE:
        raise GritError(
            f"rollout=vllm: {path} has InternVL's own layout, whose weights have other names; "
            "take the model in transformers format (its name ends in -hf)"
        )


def _lora_room(rank: int) -> int:
    """The smallest rank of those that vLLM has kernels for; GritError if there is none."""
    for each in (1, 8, 16, 32, 64, 128, 256, 320, LARGEST_LORA):
        if each >= rank:
            return each
    raise GritError(f"rollout=vllm: vLLM serves LoRA up to rank {LARGEST_LORA}, not {rank}")


def lora_left_out(adapter: Adapter) -> bool:
    """Whether vLLM leaves a part of the LoRA out: it only warns, in the server's log."""
    return isinstance(adapter, InternVLAdapter) and lora_in_vision(adapter)


def check_lora(adapter: Adapter) -> None:
    """Raise GritError for LoRA that vLLM leaves out."""
    if lora_left_out(adapter):
        raise GritError(
            "rollout=vllm: vLLM has no LoRA in InternVL's vision tower, and would leave it out: "
            "train with model.freeze_vision=true, or sample by rollout=native"
        )
