# SPDX-License-Identifier: Apache-2.0
"""The models of ringtrain's zoo in PyTorch, for samples of a shape [channels, height, width]."""
from torch import nn
from torch.nn import functional


def mlp(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], 1024), nn.ReLU(inplace=True),
                         nn.Linear(1024, 1024), nn.ReLU(inplace=True), nn.Linear(1024, classes))


def lenet5(shape, classes):
    padding = 2 if min(shape[1:]) < 32 else 0
    after = [((pixels + 2 * padding - 4) // 2 - 4) // 2 for pixels in shape[1:]]
    return nn.Sequential(
        nn.Conv2d(shape[0], 6, 5, padding=padding), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16 * after[0] * after[1], 120), nn.ReLU(inplace=True),
        nn.Linear(120, 84), nn.ReLU(inplace=True), nn.Linear(84, classes))


def lenet(shape, classes):
    after = [(pixels - 4) // 2 for pixels in shape[1:]]
    return nn.Sequential(
        nn.Conv2d(shape[0], 32, 3), nn.ReLU(inplace=True), nn.Conv2d(32, 64, 3), nn.ReLU(inplace=True),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * after[0] * after[1], 128), nn.ReLU(inplace=True),
        nn.Linear(128, classes))


class Block(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.downsample = nn.Identity()
        if inputs != width or stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return functional.relu(self.bn2(self.conv2(y)) + self.downsample(x), inplace=True)


def resnet18(shape, classes):
    """For small images: the first convolution is 3x3 without stride, and nothing is pooled after it."""
    layers, inputs = [nn.Conv2d(shape[0], 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)], 64
    for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(inputs, width, stride), Block(width, width, 1)]
        inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


MODELS = {"mlp": mlp, "lenet5": lenet5, "lenet": lenet, "resnet18": resnet18}
