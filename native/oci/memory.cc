#include "oci/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>

namespace tsrun::oci {
namespace {

// Before each block stands how many bytes it holds. Small ones are cut from chunks, and wait in a list for the next of their size; there are
// few large ones, which malloc(3) has.
constexpr size_t kHead = 16;
constexpr size_t kStep = 16;
constexpr size_t kMostSmall = 1024;
constexpr size_t kChunk = 262144;

struct Block {
  Block* next;
};

Block* free_blocks[kMostSmall / kStep + 1];
char* chunk_at = nullptr;
char* chunk_end = nullptr;

size_t& size_of(void* block) { return *reinterpret_cast<size_t*>(static_cast<char*>(block) - kHead); }

void* with_head(void* place, size_t size) {
  if (place == nullptr) return nullptr;
  void* block = static_cast<char*>(place) + kHead;
  size_of(block) = size;
  return block;
}

// All of its pages at once: most programs need a few chunks, and a fault for each page would cost more than the page.
bool add_chunk() {
  void* chunk = mmap(nullptr, kChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (chunk == MAP_FAILED) return false;
  chunk_at = static_cast<char*>(chunk);
  chunk_end = chunk_at + kChunk;
  return true;
}

void* take_small(size_t size) {
  Block*& first = free_blocks[size / kStep];
  if (first != nullptr) {
    Block* block = first;
    first = block->next;
    return block;
  }
  if (static_cast<size_t>(chunk_end - chunk_at) < kHead + size && !add_chunk()) return nullptr;
  void* place = chunk_at;
  chunk_at += kHead + size;
  return with_head(place, size);
}

void* Allocate(JSMallocState*, size_t wanted) {
  size_t size = (std::max(wanted, kStep) + kStep - 1) / kStep * kStep;
  return size <= kMostSmall ? take_small(size) : with_head(malloc(kHead + size), size);
}

void Free(JSMallocState*, void* block) {
  if (block == nullptr) return;
  size_t size = size_of(block);
  if (size > kMostSmall) {
    free(static_cast<char*>(block) - kHead);
    return;
  }
  Block*& first = free_blocks[size / kStep];
  auto* freed = static_cast<Block*>(block);
  freed->next = first;
  first = freed;
}

void* Resize(JSMallocState* state, void* block, size_t wanted) {
  if (block == nullptr) return Allocate(state, wanted);
  if (wanted == 0) {
    Free(state, block);
    return nullptr;
  }
  size_t size = size_of(block);
  if (wanted <= size && size <= kMostSmall) return block;
  if (wanted > kMostSmall && size > kMostSmall) return with_head(realloc(static_cast<char*>(block) - kHead, kHead + wanted), wanted);
  void* other = Allocate(state, wanted);
  if (other == nullptr) return nullptr;
  memcpy(other, block, std::min(size, wanted));
  Free(state, block);
  return other;
}

size_t UsableSize(const void* block) { return size_of(const_cast<void*>(block)); }

}  // namespace

const JSMallocFunctions kScriptMemory = {Allocate, Free, Resize, UsableSize};

}  // namespace tsrun::oci
