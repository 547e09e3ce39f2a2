package launch

import (
	"fmt"
	"strings"
)

// Proxy is a running proxy.
type Proxy struct {
	*Process
	Addr    string // host:port for clients
	Metrics string // URL of its metrics page
}

// StartProxy runs the proxy program at path, on free ports of the loopback
// interface, and waits until it is ready. args are flags beside those.
func StartProxy(path string, args ...string) (*Proxy, error) {
	args = append([]string{"-listen", "127.0.0.1:0", "-metrics", "127.0.0.1:0"}, args...)
	p, err := Start(path, args)
	if err != nil {
		return nil, err
	}
	line, err := p.Await("proxy: ready ", startTimeout)
	if err != nil {
		p.Stop(stopTimeout)
		return nil, err
	}
	proxy := &Proxy{Process: p}
	for field := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "listen":
			proxy.Addr = value
		case "metrics":
			proxy.Metrics = value
		}
	}
	if proxy.Addr == "" || proxy.Metrics == "" {
		p.Stop(stopTimeout)
		return nil, fmt.Errorf("the proxy's ready line lacks an address: %q", line)
	}
	return proxy, nil
}
