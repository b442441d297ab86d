// The smallest program that ends well: what is measured is the container, not a C library starting.
void _start(void) {
#if defined(__x86_64__)
  __asm__ volatile("mov $231, %%eax\n\txor %%edi, %%edi\n\tsyscall" ::: "memory");
#elif defined(__aarch64__)
  __asm__ volatile("mov x8, #94\n\tmov x0, #0\n\tsvc #0" ::: "memory");
#else
#error "exit_group of this architecture"
#endif
  __builtin_unreachable();
}
