#!/bin/sh
# Replace this with the command of a vault or password manager. It prints only the value.
exec cat .secrets/pictures-key-value
