// The two mount namespaces of the launcher. At home it sees almost nothing: one tmpfs with a whole procfs and sysfs, so
// that a container's mount namespace, a copy of home, never holds the host's mount table (1.5 ms with 500 mounts).
// Host paths are opened in the *source* namespace, which is entered for single steps (setns(2)).
#ifndef TSRUN_LAUNCHER_HOME_H_
#define TSRUN_LAUNCHER_HOME_H_

#include "sys/fd.h"

namespace tsrun {

// Fixed places at home.
inline constexpr char kAttachPoint[] = "/root";       // a container's root is attached here, in the container's copy
inline constexpr char kMaskFile[] = "/mask/file";     // empty and read-only
inline constexpr char kMaskDirectory[] = "/mask/dir";
inline constexpr char kScratch[] = "/scratch";        // what is needed only until the old root goes: overlay layers, covers
inline constexpr char kScratchFile[] = "/scratch-file";  // as kScratch, for what is no folder

class Home {
 public:
  // Leaves the host's mount namespace for a pruned one. Once, at start. Inside a user namespace the source is a copy
  // that belongs to it, and proc and sysfs are the host's own, bound: new ones would need rights over its namespaces.
  Status prune(bool in_user_namespace);

  // Host paths resolve after this, from the root that the launcher was started with. At home when it fails.
  Status enter_source();
  Status return_home();

  // As enter_source(), but in a copy, whose root may be covered: it goes with return_home(), which is due whatever comes of this.
  Status enter_copy_of_source();

  // The procfs of home, for whoever is in a mount namespace where /proc may be anybody's.
  int proc() const { return proc_.get(); }

 private:
  Status enter_source_root() const;

  UniqueFd source_;
  UniqueFd source_root_;
  UniqueFd home_;
  UniqueFd proc_;
  bool in_source_ = false;
};

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_HOME_H_
