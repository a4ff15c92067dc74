// Bench times whatslistening beside ss, lsof, netstat and gopsutil, on hosts that
// are busy in a known way. It needs Linux and root.
//
//	go run ./bench                              S0 and S1
//	go run ./bench -scenario all -rounds 15     all five; some minutes
//	go run ./bench -scenario S2 -pin            on one CPU
//	go run ./bench -scenario S3 -markdown       for a pull request
//	go run ./bench -scenario S4 -bar            exit code 1 when a bar is missed
//	go run ./bench -scenario S2 -only whats     whatslistening and ss alone
//	go run ./bench -bin ./whatslistening        a binary of your own
//	go run ./bench -scenario S2 -- ss -tulnp    any command, once, in the scenario
//	go run ./bench -list                        scenarios, bars, contenders
//
// The exit code is 0 whatever the times are, unless -bar asks for more; 2 for a
// command line that makes no sense; 3 when nothing could be measured. (go run
// itself turns each of these into 1, and prints the number.)
//
// An interrupt ends the load, with all its processes, before the program. So does
// SIGKILL, which leaves only the folder of what was built, in the temporary folder.
//
// # The scenarios
//
// S0 is this host as it is, with nothing added: what a person gets who types the
// command. It is only as idle as the host. S1 to S4 are made, in a network
// namespace and a PID namespace of their own, where the contender sees the load
// and nothing of the host; see [load]. What is there is counted before the first
// run, and printed. The counts do not include the contender, nor the dozen
// descriptors of the namespace's process 1.
//
// N100 has a hundred network namespaces, with three listeners and a process in
// each. ss lists one of them, and so is run in each, by a loop of the shell.
//
// # Reading the ratios
//
// Every number is of a whole process: from before fork to the end of its output,
// through a pipe that is read as it fills, and of the process. It includes the
// start of the program, which is most of S0. The contender's files are in memory:
// each has run once before it is timed.
//
// The contenders take turns, round by round, and each round begins with another.
// "ratio to ss" is the median of the ratios within each round: what slows the
// machine for a second slows a round, and the ratio hardly. It is not the
// quotient of the two medians beside it. "min–max" are the smallest and the
// largest of these ratios; where they are far apart the machine was not quiet, or
// -rounds is too small, and the median deserves as little trust.
//
// "CPU ms" is the time that the program was on a CPU, in user and in kernel mode,
// on all CPUs together; with two CPUs it may be more than the wall time. On a busy
// machine it is the steadier number.
//
// "peak RSS" is the largest resident set, in MB of 1,000,000 bytes, the median of
// three runs that are not timed. It is what the kernel says of the program itself
// just before it ends, and not ru_maxrss, in which a small program inherits the
// size of the one that started it.
//
// "lines" is what the contender printed, headings included. Fewer lines than
// listeners are pointed out: that contender does less. (lsof cannot do otherwise:
// with a TCP state asked for, it leaves UDP out.) A contender that is not
// installed, or fails, is named with the reason.
//
// whatslistening is measured as it is used: owners, names, users, labels, table.
// gopsutil stands for the least that a program with it can do, in bench/gopsutil:
// no name, no user, no label.
//
// The bars are in bars.go. They are ratios, and so hold on another machine,
// roughly; the share that is the kernel's and the share that is the program's
// differ from one to the next.
package main
