//go:build linux

package figures

import (
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/gocmem/cmem/go/cmd/cmem/internal/study"
	"github.com/gocmem/cmem/go/vsz"
)

// The chart's measures.
const (
	chartWidth  = 12 * vg.Inch
	legendWidth = 1.7 * vg.Inch
	middle      = (chartWidth - legendWidth) * 0.58 // names make the left panel wider than the right one
	margin      = vg.Inch / 12
	headHeight  = 0.45 * vg.Inch
	axisHeight  = 0.65 * vg.Inch
	barPitch    = 0.3 * vg.Inch // from one bar to the next
	barWidth    = 0.2 * vg.Inch
	minBars     = 6 // room for the legend
)

// colors: the Go runtime's kinds are blue and green, C's red and yellow, libraries brown, files grey, cmem's violet.
var colors = map[vsz.Kind]color.RGBA{
	vsz.GoHeap:       {0x00, 0x72, 0xb2, 0xff},
	vsz.GoArenaIndex: {0x56, 0xb4, 0xe9, 0xff},
	vsz.GoSummaries:  {0xb8, 0xdc, 0xf2, 0xff},
	vsz.GoRuntime:    {0x00, 0x9e, 0x73, 0xff},
	vsz.ThreadStacks: {0xf0, 0xc9, 0x00, 0xff},
	vsz.GlibcArenas:  {0xd5, 0x5e, 0x00, 0xff},
	vsz.GlibcMmapped: {0x8c, 0x2d, 0x04, 0xff},
	vsz.BrkHeap:      {0xe6, 0x9f, 0x00, 0xff},
	vsz.MainStack:    {0xf5, 0xe4, 0x90, 0xff},
	vsz.Binary:       {0x60, 0x60, 0x60, 0xff},
	vsz.BSS:          {0x98, 0x98, 0x98, 0xff},
	vsz.SharedLibs:   {0x8b, 0x5a, 0x2b, 0xff},
	vsz.MappedFiles:  {0xc4, 0xc4, 0xc4, 0xff},
	vsz.VDSO:         {0xe0, 0xe0, 0xe0, 0xff},
	vsz.CmemRegions:  {0x8e, 0x44, 0xad, 0xff},
	vsz.CmemMetadata: {0xcc, 0x79, 0xa7, 0xff},
	vsz.Other:        {0xff, 0x00, 0xff, 0xff},
}

// WriteSVG draws two bars a row, stacked by kind: the virtual sizes to the left and the resident ones, at a scale of
// their own, to the right.
func WriteSVG(out io.Writer, r *study.Result) error {
	rows := measured(r)
	bands := bandsOf(rows)
	virtual, legend, err := panel("virtual, MiB", rows, bands, func(b *band) plotter.Values { return b.virtual })
	if err != nil {
		return err
	}
	resident, _, err := panel("resident, MiB", rows, bands, func(b *band) plotter.Values { return b.resident })
	if err != nil {
		return err
	}
	resident.HideY()
	svg := vgsvg.New(chartWidth, headHeight+axisHeight+barPitch*vg.Length(max(len(rows), minBars)))
	whole := draw.New(svg)
	drawHead(whole, Title(r))
	below := draw.Crop(whole, 0, 0, 0, -headHeight)
	virtual.Draw(draw.Crop(below, margin, middle-chartWidth, margin, 0))
	resident.Draw(draw.Crop(below, middle+2*margin, -legendWidth-3*margin, margin, 0))
	legend.Draw(draw.Crop(below, chartWidth-legendWidth, 0, 0, 0))
	_, err = svg.WriteTo(out)
	return err
}

// A band is the part of all bars that has one colour: MiB of each row, from the bottommost.
type band struct {
	name              string
	color             color.Color
	virtual, resident plotter.Values
}

// fontsDiffer is how much wider a name may be where the picture is seen: not everybody has the font.
const fontsDiffer = 0.3

// visible is the least share of the longest bar that can be seen and has a name.
const visible = 0.005

// bandsOf makes a band of each kind that can be seen in some bar, and one of all others.
func bandsOf(rows []*vsz.VariantReport) []band {
	var most, mostRSS float64
	for _, row := range rows {
		most, mostRSS = max(most, float64(row.VSZKiB)), max(mostRSS, float64(row.RSSKiB))
	}
	small := band{name: "smaller ones", color: color.Black, virtual: make(plotter.Values, len(rows)),
		resident: make(plotter.Values, len(rows))}
	var bands []band
	for _, k := range occurring(rows) {
		b := band{name: string(k), color: colors[k]}
		seen := false
		for _, row := range slices.Backward(rows) {
			u := row.Kind(k)
			b.virtual, b.resident = append(b.virtual, float64(u.VSZKiB)/(1<<10)), append(b.resident, float64(u.RSSKiB)/(1<<10))
			seen = seen || float64(u.VSZKiB) >= visible*most || float64(u.RSSKiB) >= visible*mostRSS
		}
		if seen {
			bands = append(bands, b)
			continue
		}
		for i := range rows {
			small.virtual[i] += b.virtual[i]
			small.resident[i] += b.resident[i]
		}
	}
	return append(bands, small)
}

func drawHead(whole draw.Canvas, title string) {
	style := plot.New().Title.TextStyle
	style.Font.Size = vg.Points(11)
	style.XAlign, style.YAlign = draw.XLeft, draw.YTop
	whole.FillText(style, vg.Point{X: margin, Y: whole.Max.Y - margin}, title)
}

// panel is one of the two charts, and the legend for both. The first row is its topmost bar.
func panel(label string, rows []*vsz.VariantReport, bands []band, values func(*band) plotter.Values) (*plot.Plot,
	*plot.Legend, error) {
	p := plot.New()
	p.X.Label.Text = label
	p.X.Min = 0
	p.X.Tick.Marker = plot.TickerFunc(ticks)
	p.X.Tick.Label.Font.Size, p.X.Label.TextStyle.Font.Size = vg.Points(9), vg.Points(10)
	p.Y.Tick.Label.Font.Size = vg.Points(9)
	grid := plotter.NewGrid()
	grid.Horizontal.Color = nil
	p.Add(grid)
	var names []string
	for _, row := range slices.Backward(rows) {
		names = append(names, row.Name)
		p.Y.Padding = max(p.Y.Padding, fontsDiffer*p.Y.Tick.Label.Width(row.Name))
	}
	p.NominalY(names...)
	legend := plot.NewLegend()
	legend.Top, legend.Left, legend.Padding = true, true, vg.Points(3)
	legend.TextStyle.Font.Size = vg.Points(9)
	var below *plotter.BarChart
	for i := range bands {
		bars, err := plotter.NewBarChart(values(&bands[i]), barWidth)
		if err != nil {
			return nil, nil, err
		}
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, bands[i].color, 0
		if below != nil {
			bars.StackOn(below)
		}
		below = bars
		p.Add(bars)
		legend.Add(bands[i].name, bars)
	}
	return p, &legend, nil
}

// ticks labels an axis with some five numbers.
func ticks(low, high float64) []plot.Tick {
	if !(high > low) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10(high-low))-1)
	for factors := []float64{2, 2.5, 2}; (high-low)/step > 6; factors = append(factors[1:], factors[0]) {
		step *= factors[0] // 1, 2, 5, 10, 20, 50 …
	}
	var all []plot.Tick
	for at := math.Ceil(low/step) * step; at <= high; at += step {
		all = append(all, plot.Tick{Value: at, Label: short(at)})
	}
	return all
}
