// Memory whose address suits a direct read.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>

#include "core/journal/storage.h"

namespace kudurru {

class AlignedBuffer {
 public:
  // What it held is lost. `size` is a multiple of kDirectAlignment.
  void reserve(uint64_t size) {
    if (size <= size_) return;
    memory_.reset(static_cast<uint8_t*>(std::aligned_alloc(kDirectAlignment, size)));
    if (memory_ == nullptr) throw std::bad_alloc();
    size_ = size;
  }
  MutableBytes first(uint64_t size) { return {memory_.get(), static_cast<size_t>(size)}; }
  Bytes first(uint64_t size) const { return {memory_.get(), static_cast<size_t>(size)}; }

 private:
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };
  std::unique_ptr<uint8_t, Free> memory_;
  uint64_t size_ = 0;
};

}  // namespace kudurru
