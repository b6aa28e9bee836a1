#!/bin/sh
# Stands for the command of a vault or of a password manager: prints the value, and nothing else.
exec cat .secrets/pictures-key-value
