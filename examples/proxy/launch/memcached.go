package launch

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/gocmem/cmem/examples/proxy/memstore"
)

// ErrNoMemcached says that there is no such program.
var ErrNoMemcached = errors.New("no memcached found (Debian has it as the package memcached)")

const (
	startTimeout = 10 * time.Second
	stopTimeout  = 5 * time.Second
)

// Memcached starts a memcached on a free port of the loopback interface. program
// is its path, or its name in PATH. It gets memoryMB megabytes for items of up to
// 8 MB. Stop ends it.
func Memcached(program string, memoryMB int) (p *Process, addr string, err error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrNoMemcached, err)
	}
	me, err := user.Current()
	if err != nil {
		return nil, "", err
	}
	dir, err := os.MkdirTemp("", "memcached-port-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	portFile := filepath.Join(dir, "port")
	p, err = Start(path, []string{
		"-l", "127.0.0.1",
		"-p", "-1", // a free port, told in the file
		"-U", "0", // no UDP
		"-u", me.Username, // asked of root only
		"-I", "8m",
		"-m", fmt.Sprint(memoryMB),
		"-t", "2",
	}, "MEMCACHED_PORT_FILENAME="+portFile)
	if err != nil {
		return nil, "", err
	}
	addr, err = p.awaitPort(portFile)
	if err != nil {
		p.Stop(stopTimeout)
		return nil, "", err
	}
	return p, addr, nil
}

// awaitPort waits for memcached's port file, which has a line like
// "TCP INET: 40123" and appears whole.
func (p *Process) awaitPort(file string) (addr string, err error) {
	expired := time.After(startTimeout)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		data, err := os.ReadFile(file)
		if err == nil {
			for line := range strings.Lines(string(data)) {
				if port, ok := strings.CutPrefix(strings.TrimSpace(line), "TCP INET: "); ok {
					return net.JoinHostPort("127.0.0.1", port), nil
				}
			}
			return "", fmt.Errorf("memcached's port file has no TCP port: %q", data)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		select {
		case <-poll.C:
		case <-p.ended:
			return "", fmt.Errorf("memcached ended at once (%v):\n%s", p.err, p.Output())
		case <-expired:
			return "", fmt.Errorf("memcached did not tell its port within %v:\n%s", startTimeout, p.Output())
		}
	}
}

// Store is a running server of memcached's protocol.
type Store struct {
	Addr string // host:port
	Name string // what it is, for people
	stop func() error
}

// Stop ends the store and loses what it holds.
func (s *Store) Stop() error { return s.stop() }

// AnyStore starts the memcached program with memoryMB megabytes, or, where there
// is none, an in-process store in its place; Name tells which.
func AnyStore(program string, memoryMB int) (*Store, error) {
	p, addr, err := Memcached(program, memoryMB)
	if errors.Is(err, ErrNoMemcached) {
		return inProcess(memoryMB)
	}
	if err != nil {
		return nil, err
	}
	return &Store{Addr: addr, Name: memcachedVersion(program), stop: func() error { return p.Stop(stopTimeout) }}, nil
}

func inProcess(memoryMB int) (*Store, error) {
	s, err := memstore.Listen("127.0.0.1:0", memstore.Options{MaxBytes: int64(memoryMB) << 20})
	if err != nil {
		return nil, err
	}
	return &Store{Addr: s.Addr(), Name: "in-process store (no memcached here)", stop: s.Close}, nil
}

// memcachedVersion returns a line like "memcached 1.6.18".
func memcachedVersion(program string) string {
	out, err := exec.Command(program, "-V").Output()
	if err != nil {
		return "memcached"
	}
	return strings.TrimSpace(string(out))
}
