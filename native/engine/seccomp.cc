#include "engine/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "plan/codec.h"
#include "sys/fd.h"

namespace tsrun::seccomp {
namespace {

constexpr uint32_t kMagic = 0x53435002;
// Means "ask the next layer". The last errno that libseccomp takes; no profile can ask for it.
constexpr uint32_t kContinue = SCMP_ACT_ERRNO(4094);
constexpr uint32_t kArguments = 6;
// As many layers as a filter can hold; each takes four instructions or more.
constexpr uint32_t kMaxLayers = BPF_MAXINSNS / 4;

using Program = std::vector<sock_filter>;

// A filter under construction, freed at the end of its scope.
class Context {
 public:
  explicit Context(uint32_t default_action) : context_(seccomp_init(default_action)) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    if (context_ != nullptr) seccomp_release(context_);
  }

  scmp_filter_ctx get() const { return context_; }

 private:
  scmp_filter_ctx context_;
};

bool Fail(Failure* failure, const char* syscall, int error, std::string detail = {}) {
  *failure = Failure{syscall, error, std::move(detail)};
  return false;
}

bool Malformed(Failure* failure) { return Fail(failure, "compileSeccomp", EBADMSG); }

// libseccomp gives -errno.
bool Check(int result, Failure* failure, const char* function, std::string detail = {}) {
  return result >= 0 || Fail(failure, function, -result, std::move(detail));
}

// For several calls that get the same.
struct Rule {
  Bytes names;  // each with its NUL
  int32_t number = -1;
  uint32_t action = 0;
  bool required = false;
  uint32_t condition_count = 0;
  scmp_arg_cmp conditions[kArguments] = {};
};

bool ReadCondition(Reader* reader, scmp_arg_cmp* condition) {
  uint32_t index;
  uint32_t op;
  if (!reader->u32(&index) || !reader->u32(&op)) return false;
  if (index >= kArguments || op <= _SCMP_CMP_MIN || op >= _SCMP_CMP_MAX) return false;
  uint64_t first;
  uint64_t second;
  if (!reader->u64(&first) || !reader->u64(&second)) return false;
  *condition = scmp_arg_cmp{index, static_cast<scmp_compare>(op), first, second};
  return true;
}

// As many as are announced: one that holds a NUL would be read as two.
bool ReadNames(Reader* reader, Bytes* names) {
  uint32_t count;
  if (!reader->u32(&count) || !reader->bytes(names)) return false;
  if (names->size == 0 || names->data[names->size - 1] != 0) return false;
  return std::count(names->data, names->data + names->size, 0) == count;
}

bool ReadRule(Reader* reader, Rule* rule) {
  if (!ReadNames(reader, &rule->names)) return false;
  if (!reader->i32(&rule->number) || !reader->u32(&rule->action)) return false;
  if (!reader->boolean(&rule->required) || !reader->u32(&rule->condition_count)) return false;
  if (rule->condition_count > kArguments) return false;
  for (uint32_t i = 0; i < rule->condition_count; ++i) {
    if (!ReadCondition(reader, &rule->conditions[i])) return false;
  }
  return true;
}

// Every architecture of the profile; libseccomp has put the native one into the filter already.
bool AddArchitectures(const Context& context, Texts names, Failure* failure) {
  while (names.count > 0) {
    Text name = names.next();
    std::string label(name.data, name.size);
    uint32_t token = seccomp_arch_resolve_name(name.data);
    if (token == 0) return Fail(failure, "seccomp_arch_resolve_name", EINVAL, std::move(label));
    int result = seccomp_arch_add(context.get(), token);
    if (result == -EEXIST) continue;
    if (!Check(result, failure, "seccomp_arch_add", std::move(label))) return false;
  }
  return true;
}

bool AddCall(const Context& context, const char* name, const Rule& rule, Failure* failure) {
  int number = rule.number;
  if (number < 0) number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) {
    // Newer than this libseccomp, so the default is what it gets.
    return !rule.required || Fail(failure, "seccomp_syscall_resolve_name", ENOSYS, name);
  }
  int result = seccomp_rule_add_array(context.get(), rule.action, number, rule.condition_count, rule.conditions);
  return Check(result, failure, "seccomp_rule_add", name);
}

bool AddRule(const Context& context, const Rule& rule, Failure* failure) {
  const auto* end = reinterpret_cast<const char*>(rule.names.data + rule.names.size);
  for (const auto* name = reinterpret_cast<const char*>(rule.names.data); name < end; name += strlen(name) + 1) {
    if (!AddCall(context, name, rule, failure)) return false;
  }
  return true;
}

bool AddRules(const Context& context, Reader* reader, Failure* failure) {
  uint32_t count;
  if (!reader->u32(&count)) return Malformed(failure);
  for (; count > 0; --count) {
    Rule rule;
    if (!ReadRule(reader, &rule)) return Malformed(failure);
    if (!AddRule(context, rule, failure)) return false;
  }
  return true;
}

#if SCMP_VER_MAJOR > 2 || (SCMP_VER_MAJOR == 2 && SCMP_VER_MINOR >= 6)

bool Export(const Context& context, Program* program, Failure* failure) {
  size_t size = 0;
  if (!Check(seccomp_export_bpf_mem(context.get(), nullptr, &size), failure, "seccomp_export_bpf_mem")) return false;
  program->resize(size / sizeof(sock_filter));
  return Check(seccomp_export_bpf_mem(context.get(), program->data(), &size), failure, "seccomp_export_bpf_mem");
}

#else

// Before libseccomp 2.6 a program can only be written to a descriptor.
bool Export(const Context& context, Program* program, Failure* failure) {
  UniqueFd file(memfd_create("seccomp", MFD_CLOEXEC));
  if (!file.valid()) return Fail(failure, "memfd_create", errno);
  if (!Check(seccomp_export_bpf(context.get(), file.get()), failure, "seccomp_export_bpf")) return false;
  off_t size = lseek(file.get(), 0, SEEK_END);
  if (size < 0) return Fail(failure, "lseek", errno);
  program->resize(static_cast<size_t>(size) / sizeof(sock_filter));
  size_t bytes = program->size() * sizeof(sock_filter);
  ssize_t got = pread(file.get(), program->data(), bytes, 0);
  if (got < 0) return Fail(failure, "pread", errno);
  return static_cast<size_t>(got) == bytes || Fail(failure, "pread", EIO);
}

#endif

// Turns every "continue" of a layer into a jump to its end, where the next layer begins. The offset of BPF_JA has 32
// bits, and the kernel follows it when it works out which calls are always allowed (5.11).
void Chain(Program* layer) {
  for (size_t i = 0; i < layer->size(); ++i) {
    sock_filter& instruction = (*layer)[i];
    if (instruction.code != (BPF_RET | BPF_K) || instruction.k != kContinue) continue;
    instruction.code = BPF_JMP | BPF_JA;
    instruction.k = static_cast<uint32_t>(layer->size() - 1 - i);
  }
}

struct Frame {
  uint32_t default_action = 0;
  uint32_t other_arch_action = 0;
  bool native_only = false;
};

bool ReadFrame(Reader* reader, bool last, Frame* frame, Failure* failure) {
  if (!reader->u32(&frame->default_action) || !reader->u32(&frame->other_arch_action) ||
      !reader->boolean(&frame->native_only)) {
    return Malformed(failure);
  }
  // What continues must have somewhere to go, and what ends must not be followed by anything.
  bool continues = frame->default_action == kContinue;
  bool leaks = last && frame->other_arch_action == kContinue;
  return (continues != last && !leaks) || Malformed(failure);
}

bool CompileLayer(Reader* reader, Texts architectures, bool last, Program* program, Failure* failure) {
  Frame frame;
  if (!ReadFrame(reader, last, &frame, failure)) return false;
  Context context(frame.default_action);
  if (context.get() == nullptr) return Fail(failure, "seccomp_init", EINVAL);
  int result = seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, frame.other_arch_action);
  if (!Check(result, failure, "seccomp_attr_set")) return false;
  // A binary tree: a third of the cost for each call of a chain of comparisons.
  result = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (!Check(result, failure, "seccomp_attr_set")) return false;
  if (!frame.native_only && !AddArchitectures(context, architectures, failure)) return false;
  if (!AddRules(context, reader, failure) || !Export(context, program, failure)) return false;
  if (!last) Chain(program);
  return true;
}

bool CompileLayers(Reader* reader, Program* program, Failure* failure) {
  uint32_t magic;
  Texts architectures;
  uint32_t layers;
  if (!reader->u32(&magic) || magic != kMagic || !reader->texts(&architectures)) return Malformed(failure);
  if (!reader->u32(&layers) || layers == 0) return Malformed(failure);
  if (layers > kMaxLayers) return Fail(failure, "seccomp", E2BIG);
  for (uint32_t i = 0; i < layers; ++i) {
    Program layer;
    if (!CompileLayer(reader, architectures, i + 1 == layers, &layer, failure)) return false;
    program->insert(program->end(), layer.begin(), layer.end());
    if (program->size() > BPF_MAXINSNS) return Fail(failure, "seccomp", E2BIG);
  }
  return reader->at_end() || Malformed(failure);
}

}  // namespace

bool CompileSeccomp(const uint8_t* data, size_t size, std::vector<uint8_t>* bpf, Failure* failure) {
  // libseccomp keeps its API level for the whole process, and the addon may be loaded in several worker threads.
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  // Level 6 (2.5, Linux 5.7) is below what tsrun runs on: without this libseccomp would ask the kernel, which an outer
  // sandbox may answer for it. An older library ignores it.
  (void)seccomp_api_set(6);
  Reader reader(data, size);
  Program program;
  if (!CompileLayers(&reader, &program, failure)) return false;
  bpf->resize(program.size() * sizeof(sock_filter));
  memcpy(bpf->data(), program.data(), bpf->size());
  return true;
}

}  // namespace tsrun::seccomp
