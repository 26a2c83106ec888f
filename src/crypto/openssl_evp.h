// The EVP calls that messages and packets share. For OpenSSL's own files only.
#pragma once

#include "crypto/handle.h"
#include "crypto/rows.h"

// Its own header is included by .cc files alone.
using EVP_CIPHER = struct evp_cipher_st;
using EVP_CIPHER_CTX = struct evp_cipher_ctx_st;
extern "C" void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX* context);

namespace cygnet::crypto::evp {

using Context = Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

// Algorithms are fetched once and kept for the life of the process, like a table.
const EVP_CIPHER* aead_of(AeadKind kind, std::size_t key_size);
const EVP_CIPHER* cbc_of(std::size_t key_size);
const EVP_CIPHER* ctr_of(std::size_t key_size);

// Reached only if OpenSSL has no memory: it does not fail for sizes that we chose.
inline void must(int result) { ASSERT(result == 1); }

// Gives a context cipher and key. CCM wants to know its sizes first; the others do not ask for the ICV's.
void set_key(EVP_CIPHER_CTX* context, const EVP_CIPHER* cipher, bool ccm, ByteView key, std::size_t icv_size,
             bool encrypt);

// One message in place, with the key that the context has. The additional data come in any number of parts, but
// in one for CCM.
void seal(EVP_CIPHER_CTX* context, bool ccm, const std::uint8_t* nonce, Parts aad, MutableByteView text,
          MutableByteView icv);
// Compares the ICV in constant time.
bool open(EVP_CIPHER_CTX* context, bool ccm, const std::uint8_t* nonce, Parts aad, MutableByteView text, ByteView icv);

// Text in place, between the start of a message and its end. False: CCM has found a wrong ICV.
bool update(EVP_CIPHER_CTX* context, MutableByteView text);

}  // namespace cygnet::crypto::evp
