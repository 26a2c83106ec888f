#include "wire/key_piece.h"

#include "wire/codec.h"

namespace cygnet::wire {

CYGNET_WIRE_CODEC(KeyPiece);

}  // namespace cygnet::wire
