"""The model: figures learned from labelled petitions, and how they weigh a text beside the lexicon."""

from services.routing.model.figures import SHIPPED, Figures, ModelError, Sureness, read
from services.routing.model.weighed import Model, Weighed, model

__all__ = ["SHIPPED", "Figures", "Model", "ModelError", "Sureness", "Weighed", "model", "read"]
