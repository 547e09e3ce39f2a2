// Command sqlite finds the least thread stack on which SQLite answers deeply nested queries: a
// large C library that recurses with its input. It is a module of its own, for only this program
// needs SQLite.
//
//	go run .   runs itself for each query and stack size, and prints a table
package main

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	_ "github.com/gocmem/cmem/cmem/lean"
	_ "github.com/mattn/go-sqlite3"
)

// nested are queries that are n levels deep, after the statements that they need.
var nested = []struct {
	name  string
	query func(n int) []string
}{
	{"subqueries", func(n int) []string {
		return []string{"select * from " + strings.Repeat("(select * from ", n) + "(select 1)" + strings.Repeat(")", n)}
	}},
	{"sums in parentheses", func(n int) []string {
		return []string{"select " + strings.Repeat("1+(", n/2) + "1" + strings.Repeat(")", n/2)} // each is two levels
	}},
	{"ors", func(n int) []string {
		return []string{"select 1 where " + strings.Repeat("1=2 or ", n-1) + "1=1"}
	}},
	{"negations of a column", func(n int) []string {
		return []string{"select " + strings.Repeat("-(", n) + "x" + strings.Repeat(")", n) + " from (select 1 as x)"}
	}},
	{"JSON arrays", func(n int) []string {
		return []string{"select json_extract('" + strings.Repeat("[", n) + strings.Repeat("]", n) + "', '$[0]')"}
	}},
	{"views of views", func(n int) []string {
		statements := []string{"create table t0(x)"}
		for i := range n {
			statements = append(statements, fmt.Sprintf("create view t%d as select x+1 as x from t%d", i+1, i))
		}
		return append(statements, fmt.Sprintf("select * from t%d", n))
	}},
}

// stacks are the sizes that are tried, KiB; 0 is the default of the C library.
var stacks = []int{64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 0}

func main() {
	if len(os.Args) == 3 {
		child(number(os.Args[1]), number(os.Args[2]))
		return
	}
	fmt.Printf("%-24s %8s %12s\n", "nested", "levels", "stack KiB")
	for i, q := range nested {
		for _, levels := range []int{90, 990} {
			fmt.Printf("%-24s %8d %12s\n", q.name, levels, least(i, levels))
		}
	}
}

// least returns the least stack on which a query does not crash.
func least(query, levels int) string {
	for _, stack := range stacks {
		cmd := exec.Command(os.Args[0], strconv.Itoa(query), strconv.Itoa(levels))
		cmd.Env = append(os.Environ(), fmt.Sprintf("CMEMLEAN=stack=%dk", stack))
		out, err := cmd.CombinedOutput()
		switch {
		case err != nil:
			continue
		case len(out) > 0:
			return strings.TrimSpace(string(out))
		case stack == 0:
			return "more"
		}
		return strconv.Itoa(stack)
	}
	return "crashes"
}

// child runs a query on a thread that is not the main one, and prints SQLite's error.
func child(query, levels int) {
	runtime.LockOSThread()
	done := make(chan error)
	go func() { done <- run(nested[query].query(levels)) }()
	if err := <-done; err != nil {
		fmt.Println(err)
	}
}

func run(statements []string) error {
	runtime.LockOSThread()
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			return err
		}
	}
	return nil
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
