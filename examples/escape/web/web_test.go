package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gocmem/cmem/cmem"
)

func Example() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := ReadBody(r.Body, r.ContentLength, 10<<20)
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		defer cmem.Free(body) // Write copies what it is given
		w.Write(bytes.ToUpper(body))
	})
	server := httptest.NewServer(Misuse(handler, func(err *cmem.MisuseError) {
		go panic(err) // in a goroutine of its own it ends the program
	}))
	defer server.Close()

	buf := cmem.Alloc(5)
	copy(buf, "hello")
	resp, err := Post(server.Client(), server.URL, "text/plain", buf) // no Free here: the transport may still read it
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	answer, err := ReadBody(resp.Body, resp.ContentLength, 10<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cmem.Free(answer)
	fmt.Printf("%s\n", answer)
	// Output: HELLO
}

// noLeak wants every buffer freed, soon after the test: a transport may close a body later.
func noLeak(t *testing.T) {
	t.Helper()
	var before, after cmem.Stats
	cmem.ReadStats(&before)
	t.Cleanup(func() {
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
			cmem.ReadStats(&after)
			if after.LiveBlocks == before.LiveBlocks {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d buffers were not freed", int64(after.LiveBlocks-before.LiveBlocks))
			}
		}
	})
}

func TestReadBody(t *testing.T) {
	noLeak(t)
	const limit = 100_000
	for _, n := range []int{0, 1, 4095, 4096, 4097, 9000, limit - 1, limit, limit + 1} {
		want := bytes.Repeat([]byte("0123456"), n/7+1)[:n]
		for _, hint := range []int64{-1, 0, int64(n), 1, 1 << 62} {
			for how, r := range map[string]io.Reader{
				"as it comes": bytes.NewReader(want), "end with data": iotest.DataErrReader(bytes.NewReader(want)),
				"halves": iotest.HalfReader(bytes.NewReader(want)),
			} {
				b, err := ReadBody(r, hint, limit)
				switch {
				case n > limit:
					if !errors.Is(err, ErrTooLong) {
						t.Errorf("%d bytes, hint %d, %s: error %v, want ErrTooLong", n, hint, how, err)
					}
				case err != nil || !bytes.Equal(b, want):
					t.Errorf("%d bytes, hint %d, %s: %d bytes, error %v", n, hint, how, len(b), err)
				default:
					cmem.Free(b)
				}
			}
		}
	}
	if _, err := ReadBody(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("xyz"))), -1, limit); !errors.Is(err,
		iotest.ErrTimeout) {
		t.Errorf("error %v, want the reader's", err)
	}
}

// TestPost sends to a server that reads all, to one that answers without having read, and to none.
func TestPost(t *testing.T) {
	noLeak(t)
	var length int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if length = r.ContentLength; r.URL.Path == "/all" {
			io.Copy(w, r.Body)
		}
	}))
	defer server.Close()
	for _, n := range []int{0, 10, 5_000_000} {
		for _, url := range []string{server.URL + "/all", server.URL + "/none", "http://127.0.0.1:1/", "nonsense\x7f"} {
			resp, err := Post(server.Client(), url, "text/plain", cmem.AllocZeroed(n))
			if err != nil {
				if strings.HasSuffix(url, "/all") {
					t.Errorf("%s, %d bytes: %v", url, n, err)
				}
				continue
			}
			got, err := io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if strings.HasSuffix(url, "/all") && (err != nil || got != int64(n) || length != int64(n)) {
				t.Errorf("%s: %d bytes of %d came back (%v), Content-Length %d", url, got, n, err, length)
			}
		}
	}
}

// TestMisuse frees a body twice in a handler.
func TestMisuse(t *testing.T) {
	reports := make(chan *cmem.MisuseError, 1)
	server := httptest.NewUnstartedServer(Misuse(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := cmem.Alloc(1000)
		cmem.Free(b)
		cmem.Free(b) //cmemvet:ignore the misuse that is tested
	}), func(err *cmem.MisuseError) { reports <- err }))
	var logged strings.Builder
	server.Config.ErrorLog = log.New(&logged, "", 0)
	server.Start()
	if resp, err := server.Client().Get(server.URL); err == nil {
		resp.Body.Close()
		t.Error("the request was answered")
	}
	server.Close()
	if err := <-reports; err.Func != "Free" {
		t.Errorf("reported: %v", err)
	}
	if !strings.Contains(logged.String(), "cmem: Free(") {
		t.Errorf("net/http logged %q", &logged)
	}
}
