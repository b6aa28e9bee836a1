#!/bin/sh
# Commits what a run of purgit recorded, and pushes it. For repositories that keep the state; run it after `purgit apply`,
# whatever that ended with: the state says what is confirmed and what is not.
#
#     sh record-state.sh BRANCH [REMOTE]
set -eu
branch=$1
remote=${2:-origin}

git config user.name > /dev/null || git config user.name purgit
git config user.email > /dev/null || git config user.email purgit@localhost

for path in .purgit purgit.status.yaml; do
    if [ -e "$path" ]; then git add --all -- "$path"; fi
done
# A status in which only the time differs is not worth a commit.
if git diff --cached --quiet -- .purgit; then
    echo "nothing was recorded"
    exit 0
fi
git commit --quiet -m "Record purge state [skip ci]"
# Others may have pushed meanwhile.
for _ in 1 2 3; do
    if git push --quiet "$remote" "HEAD:$branch"; then exit 0; fi
    git pull --quiet --rebase "$remote" "$branch"
done
exit 1
