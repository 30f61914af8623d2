"""The algorithm as PyTorch implementations of GANimation run it; needs torch and nothing of ours.

    python benchmarks/training_rows/peer.py {train,inference} BATCH SECONDS THREADS [PRECISION]

Plain layers in PyTorch's default layout, 128 px, 17 AUs, on the GPU where PyTorch sees one, else
on the CPU. PRECISION is `float32`, which on a GPU is TF32, or `bfloat16`, which is autocast to it.
On a GPU cuDNN chooses the fastest of its algorithms, as such implementations let it. One iteration:
the generator makes the fake AND the way back, with their graph; the critic goes forward and
backward on real and on fake images and through the gradient penalty by double backward, then Adam;
each fifth iteration also takes the generator backward, with the critic's weights frozen, then Adam.
Prints JSON: seconds of each cycle of five iterations (or of each inference) after one that is not
counted (three on a GPU), the device, and the peak of resident memory, on a GPU that of the memory
in use there.
"""

import contextlib
import json
import resource
import sys
import time

import torch
from torch import nn

SIZE, UNITS, CRITIC_STEPS = 128, 17, 5
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.InstanceNorm2d(width, affine=True),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.InstanceNorm2d(width, affine=True),
        )

    def forward(self, x):
        return x + self.main(x)


def normalized(convolution: nn.Module, width: int) -> list[nn.Module]:
    return [convolution, nn.InstanceNorm2d(width, affine=True), nn.ReLU(inplace=True)]


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            *normalized(nn.Conv2d(3 + UNITS, 64, 7, padding=3, bias=False), 64),
            *normalized(nn.Conv2d(64, 128, 4, 2, 1, bias=False), 128),
            *normalized(nn.Conv2d(128, 256, 4, 2, 1, bias=False), 256),
            *(Residual(256) for _ in range(6)),
            *normalized(nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=False), 128),
            *normalized(nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), 64),
        )
        self.color = nn.Sequential(nn.Conv2d(64, 3, 7, padding=3, bias=False), nn.Tanh())
        self.attention = nn.Sequential(nn.Conv2d(64, 1, 7, padding=3, bias=False), nn.Sigmoid())

    def forward(self, image, units):
        planes = units[:, :, None, None].expand(-1, -1, SIZE, SIZE)
        x = self.main(torch.cat([image, planes], dim=1))
        color, attention = self.color(x), self.attention(x)
        return attention * image + (1 - attention) * color, attention


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        layers, before = [], 3
        for level in range(6):
            layers += [nn.Conv2d(before, 64 * 2**level, 4, 2, 1), nn.LeakyReLU(0.01, inplace=True)]
            before = 64 * 2**level
        self.main = nn.Sequential(*layers)
        self.realism = nn.Conv2d(before, 1, 3, padding=1, bias=False)
        self.units = nn.Conv2d(before, UNITS, SIZE // 64, bias=False)

    def forward(self, image):
        x = self.main(image)
        return self.realism(x)[:, 0], self.units(x)[:, :, 0, 0]


def roughness(mask):
    across, down = mask[:, :, :, 1:] - mask[:, :, :, :-1], mask[:, :, 1:] - mask[:, :, :-1]
    return across.abs().mean() + down.abs().mean()


class Training:
    """Both networks, their optimizers, and one cycle of five iterations."""

    def __init__(self, batch: int, precision: str):
        self.batch = batch
        self.generator, self.critic = Generator().to(DEVICE), Critic().to(DEVICE)
        self.computing = contextlib.nullcontext
        if precision == "bfloat16":
            self.computing = lambda: torch.autocast(DEVICE, torch.bfloat16)
        adam = {"lr": 1e-4, "betas": (0.5, 0.999)}
        self.generator_optimizer = torch.optim.Adam(self.generator.parameters(), **adam)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), **adam)

    def cycle(self) -> None:
        for iteration in range(CRITIC_STEPS):
            image = torch.rand(self.batch, 3, SIZE, SIZE, device=DEVICE) * 2 - 1
            source, target = torch.rand(2, self.batch, UNITS, device=DEVICE)
            with self.computing():
                fake, attention = self.generator(image, target)
                back, attention_back = self.generator(fake, source)
            self.update_critic(image, source, fake)
            if iteration == CRITIC_STEPS - 1:
                masks = (attention, attention_back)
                self.update_generator(image, target, fake, back, masks)

    def penalty(self, image, fake):
        blend = torch.rand(self.batch, 1, 1, 1, device=DEVICE)
        between = (blend * image + (1 - blend) * fake.detach()).requires_grad_()
        realism = self.critic(between)[0]
        (slope,) = torch.autograd.grad(
            realism, between, torch.ones_like(realism), create_graph=True
        )
        return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()

    def update_critic(self, image, source, fake) -> None:
        for weights in self.critic.parameters():
            weights.requires_grad_(True)
        self.critic_optimizer.zero_grad()
        with self.computing():
            realism, units = self.critic(image)
            on_fake, _ = self.critic(fake.detach())
            loss = on_fake.mean() - realism.mean() + 160 * ((units - source) ** 2).mean()
            loss = loss + 10 * self.penalty(image, fake)
        loss.backward()
        self.critic_optimizer.step()

    def update_generator(self, image, target, fake, back, masks) -> None:
        for weights in self.critic.parameters():
            weights.requires_grad_(False)
        self.generator_optimizer.zero_grad()
        with self.computing():
            realism, units = self.critic(fake)
            loss = -realism.mean() + 160 * ((units - target) ** 2).mean()
            loss = loss + 10 * (image - back).abs().mean()
            for mask in masks:
                loss = loss + 0.1 * mask.mean() + 4.06 * roughness(mask)
        loss.backward()
        self.generator_optimizer.step()


def main() -> None:
    kind, batch, seconds, threads = sys.argv[1], *map(int, sys.argv[2:5])
    precision = sys.argv[5] if len(sys.argv) > 5 else "float32"
    torch.set_num_threads(threads)
    if DEVICE == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, as convolutions have it by default
        torch.backends.cudnn.benchmark = True
    training = Training(batch, precision)
    image = torch.rand(batch, 3, SIZE, SIZE, device=DEVICE) * 2 - 1
    target = torch.rand(batch, UNITS, device=DEVICE)

    def inference():
        with torch.inference_mode(), training.computing():
            training.generator(image, target)

    def work():
        training.cycle() if kind == "train" else inference()
        if DEVICE == "cuda":
            torch.cuda.synchronize()

    for _ in range(1 if DEVICE == "cpu" else 3):
        work()
    times, started = [], time.perf_counter()
    while not times or time.perf_counter() - started < seconds:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if DEVICE == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    device = torch.cuda.get_device_name() if DEVICE == "cuda" else "CPU"
    print(json.dumps({"seconds": times, "peak_mib": peak, "device": device}))


if __name__ == "__main__":
    main()
