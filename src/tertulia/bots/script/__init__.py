"""Bots that answer by a script: what is meant, what is asked for, what is said."""

from tertulia.bots.script.format import Script, ScriptInvalidError, parse
from tertulia.bots.script.player import Answer, Player, Surroundings

__all__ = ["Answer", "Player", "Script", "ScriptInvalidError", "Surroundings", "parse"]
