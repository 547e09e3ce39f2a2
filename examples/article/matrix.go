package main

import (
	"fmt"

	"github.com/gocmem/cmem/cmem"
)

// A matrix is one of float32, row by row.
type matrix struct {
	rows, columns int
	v             []float32
}

// newMatrix makes a matrix of zeros.
func newMatrix(rows, columns int) *matrix {
	return &matrix{rows, columns, cmem.AllocSlice[float32](rows * columns)}
}

func (m *matrix) free() {
	cmem.FreeSlice(m.v)
	m.v = nil
}

func (m *matrix) row(i int) []float32 { return m.v[i*m.columns : (i+1)*m.columns] }

// times is the product, a new matrix.
func (m *matrix) times(n *matrix) *matrix {
	if m.columns != n.rows {
		panic(fmt.Sprintf("article: a matrix of %d columns times one of %d rows: expected as many", m.columns, n.rows))
	}
	product := newMatrix(m.rows, n.columns)
	for i := range m.rows {
		to := product.row(i)
		for k, a := range m.row(i) {
			for j, b := range n.row(k) {
				to[j] += a * b
			}
		}
	}
	return product
}
