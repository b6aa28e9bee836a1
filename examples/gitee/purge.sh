#!/bin/sh
# For the shell step of a pipeline on Gitee Go, and for any other CI that runs a shell: `sh ci/purge.sh plan` for pull
# requests, `sh ci/purge.sh apply` on the main branch.
#
# State and status are on git refs, so nothing is committed to a branch. In the Project of purgit.yaml:
#
#     spec:
#       state: { git: { ref: refs/purgit/state, remote: origin } }
#       status: { gitNote: true }
#
# `apply` needs the keys that the manifests name in the environment, and permission to push to the remote `origin`. purgit is in
# the image, or is installed from PURGIT_RELEASES with PURGIT_VERSION.
set -eu

if ! command -v purgit > /dev/null; then
    curl -fsSL -o /tmp/install.sh "$PURGIT_RELEASES/download/v$PURGIT_VERSION/install.sh"
    sh /tmp/install.sh --version "$PURGIT_VERSION" --to "$HOME/.local/bin"
    PATH=$HOME/.local/bin:$PATH
fi

case ${1:-} in
    plan)
        purgit validate
        purgit plan
        ;;
    apply)
        code=0
        purgit apply --timeout 20m || code=$?
        if [ "$code" = 8 ]; then
            echo "still running at the CDN; the next run asks again"
            exit 0
        fi
        exit "$code"
        ;;
    *)
        echo "usage: purge.sh plan|apply" >&2
        exit 64
        ;;
esac
