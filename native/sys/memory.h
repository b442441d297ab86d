// Objects on the heap without the C++ library: null instead of an exception when there is no memory.
#ifndef TSRUN_SYS_MEMORY_H_
#define TSRUN_SYS_MEMORY_H_

#include <stdlib.h>

#include <new>

namespace tsrun {

template <typename T>
T* make() {
  void* memory = malloc(sizeof(T));
  return memory == nullptr ? nullptr : new (memory) T();
}

template <typename T>
void destroy(T* object) {
  if (object == nullptr) return;
  object->~T();
  free(object);
}

}  // namespace tsrun

#endif  // TSRUN_SYS_MEMORY_H_
