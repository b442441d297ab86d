// The floor's own surroundings, made once: without them it would be slower than what it is the floor of.
#ifndef BENCH_FLOOR_HOME_H_
#define BENCH_FLOOR_HOME_H_

extern int source_namespace;  // the host's mount namespace
extern int source_root;
extern int home_namespace;    // pruned
extern int id_map;            // a user namespace with the map of every container
extern int cgroup_parent;
extern int state_parent;
extern int own_pid;           // in names: two floors may run at once

#define ID_MAP "0 1878982656 65536"
#define HOST_ROOT 1878982656

void make_home(void);

void write_proc(int pid, const char *name, const char *text);

#endif
