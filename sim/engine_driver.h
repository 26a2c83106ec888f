// For fuzzing: octets are a script for two engines and the wire between them, so that mutations reach deep states.
#pragma once

#include "base/bytes.h"

namespace cygnet::sim {

// Runs the script and asserts that no checker objects. Always returns 0, as libFuzzer expects.
//
//   0 n …  a datagram of n octets from a stranger       5 s    so many seconds pass
//   1      the next waiting datagram arrives            6 k    an operator's command, k says whose and which
//   2      … is lost                                    7      everything that waits arrives
//   3      … arrives twice
//   4 p x  … arrives with octet p changed by x
int drive_engines(ByteView script);

}  // namespace cygnet::sim
