"""A forward of InternVL's own layout, straight from its state dict.

It follows InternVL's own code (modeling_intern_vit.py, modeling_internvl_chat.py of the released
repository) and knows nothing of the converter or of transformers' InternVL. Only the language model
is transformers' ``Qwen2ForCausalLM``, which InternVL's code takes as well.

Shapes: T tiles, P patches a tile and 1, W width of the tower, H heads, L tokens, C channels.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import Qwen2Config, Qwen2ForCausalLM

Weights = Mapping[str, Tensor]


def logits_of(
    config: Mapping[str, Any], weights: Weights, pixels: Tensor, ids: Tensor, *, image_id: int
) -> Tensor:
    """Logits [L, V] of a prompt ``ids`` [L] whose image tokens stand for tiles ``pixels``."""
    language = Qwen2ForCausalLM(Qwen2Config(**config["llm_config"])).eval()
    start = "language_model."
    language.load_state_dict(
        {name.removeprefix(start): w for name, w in weights.items() if name.startswith(start)}
    )
    embeddings = language.get_input_embeddings()(ids)
    embeddings[ids == image_id] = image_tokens(config, weights, pixels).flatten(0, 1)
    return language(inputs_embeds=embeddings[None]).logits[0]


def image_tokens(config: Mapping[str, Any], weights: Weights, pixels: Tensor) -> Tensor:
    """Image tokens [T, P / 4, width of the language model] of tiles [T, 3, side, side]."""
    patches = tower(config["vision_config"], weights, pixels)[:, 1:]  # without the class token
    side = int(patches.shape[1] ** 0.5)
    grid = patches.unflatten(1, (side, side))
    merged = pixel_shuffle(grid, config["downsample_ratio"], config["ps_version"]).flatten(1, 2)
    normed = F.layer_norm(
        merged, merged.shape[-1:], weights["mlp1.0.weight"], weights["mlp1.0.bias"]
    )
    return linear(F.gelu(linear(normed, weights, "mlp1.1")), weights, "mlp1.3")


def tower(config: Mapping[str, Any], weights: Weights, pixels: Tensor) -> Tensor:
    """The last layer's states [T, P, W]."""
    start = "vision_model.embeddings."
    patches = F.conv2d(
        pixels,
        weights[f"{start}patch_embedding.weight"],
        weights[f"{start}patch_embedding.bias"],
        stride=config["patch_size"],
    )
    first = weights[f"{start}class_embedding"].expand(len(pixels), 1, -1)
    states = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1)
    states = states + weights[f"{start}position_embedding"]
    for number in range(config["num_hidden_layers"]):
        layer = f"vision_model.encoder.layers.{number}."
        normed = norm(config, weights, f"{layer}norm1", states)
        states = states + weights[f"{layer}ls1"] * attention(config, weights, layer, normed)
        normed = norm(config, weights, f"{layer}norm2", states)
        inner = F.gelu(linear(normed, weights, f"{layer}mlp.fc1"))
        states = states + weights[f"{layer}ls2"] * linear(inner, weights, f"{layer}mlp.fc2")
    return states


def attention(config: Mapping[str, Any], weights: Weights, layer: str, states: Tensor) -> Tensor:
    """Self-attention over all patches; query, key and value lie in one matrix, in this order."""
    heads = config["num_attention_heads"]
    tiles, length, width = states.shape
    fused = linear(states, weights, f"{layer}attn.qkv").view(tiles, length, 3, width)
    query, key, value = fused.unbind(2)
    if config["qk_normalization"]:  # over all heads together
        eps = config["layer_norm_eps"]
        query = rms_norm(query, weights[f"{layer}attn.q_norm.weight"], eps)
        key = rms_norm(key, weights[f"{layer}attn.k_norm.weight"], eps)
    query, key, value = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    scores = (query * (width // heads) ** -0.5) @ key.transpose(-2, -1)  # [T, H, P, P]
    seen = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
    return linear(seen, weights, f"{layer}attn.proj")


def pixel_shuffle(grid: Tensor, ratio: float, version: str) -> Tensor:
    """Neighbours of a grid [T, columns, rows, C] side by side in the channels of a smaller one."""
    tiles, columns, rows, channels = grid.shape
    half, more = int(rows * ratio), int(channels / ratio)
    grid = grid.reshape(tiles, columns, half, more).permute(0, 2, 1, 3)
    grid = grid.reshape(tiles, half, int(columns * ratio), int(more / ratio))
    return grid if version == "v1" else grid.permute(0, 2, 1, 3)


def linear(states: Tensor, weights: Weights, name: str) -> Tensor:
    return F.linear(states, weights[f"{name}.weight"], weights.get(f"{name}.bias"))


def norm(config: Mapping[str, Any], weights: Weights, name: str, states: Tensor) -> Tensor:
    weight, eps = weights[f"{name}.weight"], config["layer_norm_eps"]
    if config["norm_type"] == "rms_norm":
        return rms_norm(states, weight, eps)
    return F.layer_norm(states, states.shape[-1:], weight, weights[f"{name}.bias"], eps)


def rms_norm(states: Tensor, weight: Tensor, eps: float) -> Tensor:
    return weight * states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + eps)
