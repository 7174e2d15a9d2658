//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// tracer follows a program, the processes that it starts, and all their threads.
type tracer struct {
	program int
	threads map[int]*thread
	counts  counts
}

// counts is what was carried out.
type counts struct {
	ops [dot + 1]int
	// rows are those of all products together, and macs the multiplications in them.
	rows, macs int
}

func (c *counts) add(in *instruction, t *tiles) {
	c.ops[in.op]++
	if in.op == dot {
		c.rows += t.rows[in.dst]
		c.macs += t.rows[in.dst] * t.colsb[in.a] * t.colsb[in.b] / 4
	}
}

func (c *counts) String() string {
	return fmt.Sprintf("%d products of %d rows and %d multiplications, %d loads, %d stores, %d zeros, %d configurations",
		c.ops[dot], c.rows, c.macs, c.ops[load], c.ops[store], c.ops[zero], c.ops[loadConfig])
}

// thread is one that was seen to stop.
type thread struct {
	id    int
	tiles tiles
	code  [256]byte // that begins with the instruction it stopped at
	regs  unix.PtraceRegs
}

// start starts a program, which stops before its first instruction.
func start(args, env []string) (*tracer, error) {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return nil, err
	}
	p, err := os.StartProcess(path, args, &os.ProcAttr{
		Env: env, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return nil, err
	}
	t := &tracer{program: p.Pid, threads: map[int]*thread{p.Pid: {id: p.Pid}}}
	var status unix.WaitStatus
	if _, err := wait(p.Pid, &status); err != nil {
		return nil, err
	}
	const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
		unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(p.Pid, options); err != nil {
		return nil, fmt.Errorf("following threads: %w", err)
	}
	return t, unix.PtraceCont(p.Pid, 0)
}

// wait waits for a change of a process, or of any if pid is -1.
func wait(pid int, status *unix.WaitStatus) (int, error) {
	for {
		id, err := unix.Wait4(pid, status, unix.WALL, nil)
		if !errors.Is(err, unix.EINTR) {
			return id, err
		}
	}
}

// follow lets the program run, and returns its exit status.
func (t *tracer) follow() (exit int, err error) {
	for {
		var status unix.WaitStatus
		id, err := wait(-1, &status)
		if err != nil {
			return 1, fmt.Errorf("waiting for the program: %w", err)
		}
		if status.Exited() || status.Signaled() {
			delete(t.threads, id)
			if id != t.program {
				continue
			}
			if status.Signaled() {
				return 128 + int(status.Signal()), fmt.Errorf("the program ended by a signal: %v", status.Signal())
			}
			return status.ExitStatus(), nil
		}
		deliver, err := t.stopped(id, status)
		if err != nil {
			_ = unix.Kill(t.program, unix.SIGKILL)
			return 1, err
		}
		// A thread that another one ended in the meantime is gone, which wait tells too.
		if err := unix.PtraceCont(id, int(deliver)); err != nil && !errors.Is(err, unix.ESRCH) {
			return 1, fmt.Errorf("going on after a stop: %w", err)
		}
	}
}

// stopped does what a thread stopped for, and returns the signal to go on with, or 0.
func (t *tracer) stopped(id int, status unix.WaitStatus) (unix.Signal, error) {
	s := status.StopSignal()
	th := t.threads[id]
	if th == nil { // a new thread, which begins with a stop
		t.threads[id] = &thread{id: id}
		if s == unix.SIGSTOP {
			return 0, nil
		}
		th = t.threads[id]
	}
	switch {
	case status.TrapCause() > 0: // a thread or process was started, which will stop itself
		if status.TrapCause() == unix.PTRACE_EVENT_EXEC {
			th.tiles = tiles{}
		}
		return 0, nil
	case s == unix.SIGILL:
		done, err := th.emulate(&t.counts)
		if errors.Is(err, unix.ESRCH) { // the thread is gone
			return 0, nil
		}
		if done || err != nil {
			return 0, err
		}
	}
	return s, nil
}

// emulate carries out the tile instruction that the thread stopped at, and those that follow at once. It is false where
// the thread stopped at another one.
func (th *thread) emulate(c *counts) (done bool, err error) {
	if err := unix.PtraceGetRegs(th.id, &th.regs); err != nil {
		return false, err
	}
	code := th.code[:th.readCode()]
	for {
		in, ok := decode(code)
		if !ok {
			break
		}
		at := th.regs.Rip
		th.regs.Rip += in.length
		if err := th.tiles.do(&in, th, th); err != nil {
			return false, fmt.Errorf("thread %d, tile instruction % x at %#x: %w", th.id, code[:in.length], at, err)
		}
		c.add(&in, &th.tiles)
		code, done = code[in.length:], true
	}
	if !done {
		return false, nil
	}
	return true, unix.PtraceSetRegs(th.id, &th.regs)
}

// readCode reads the code from the instruction pointer on, and returns how much there is: at most to the end of the
// page, since nothing may lie behind it, except for an instruction that could reach over the end.
func (th *thread) readCode() int {
	const page, longest = 4096, 15
	n := min(len(th.code), page-int(th.regs.Rip%page))
	if n >= longest || th.read([]span{{th.regs.Rip, th.code[:longest]}}) != nil {
		if th.read([]span{{th.regs.Rip, th.code[:n]}}) != nil {
			return 0
		}
		return n
	}
	return longest
}

// general returns a general register by the number that instructions have for it.
func (th *thread) general(number int) uint64 {
	r := &th.regs
	return [...]uint64{
		r.Rax, r.Rcx, r.Rdx, r.Rbx, r.Rsp, r.Rbp, r.Rsi, r.Rdi, r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15,
	}[number]
}

func (th *thread) following() uint64 { return th.regs.Rip }

func (th *thread) read(spans []span) error  { return th.move(spans, "read", unix.ProcessVMReadv) }
func (th *thread) write(spans []span) error { return th.move(spans, "written", unix.ProcessVMWritev) }

func (th *thread) move(spans []span, verb string,
	call func(pid int, local []unix.Iovec, remote []unix.RemoteIovec, flags uint) (int, error),
) error {
	local, remote, want := make([]unix.Iovec, len(spans)), make([]unix.RemoteIovec, len(spans)), 0
	for i, s := range spans {
		local[i].Base = &s.bytes[0]
		local[i].SetLen(len(s.bytes))
		remote[i] = unix.RemoteIovec{Base: uintptr(s.at), Len: len(s.bytes)}
		want += len(s.bytes)
	}
	n, err := call(th.id, local, remote, 0)
	if err == nil && n < want {
		err = unix.EFAULT
	}
	if err != nil {
		return fmt.Errorf("%d bytes from %#x on cannot be %s: %w", want, spans[0].at, verb, err)
	}
	return nil
}
