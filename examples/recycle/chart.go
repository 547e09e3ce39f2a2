package main

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Sizes of the charts. Their axes reach headroom times as far as the data, which leaves the phases' names a place.
const (
	modeWidth   = 11 * vg.Inch
	modeHeight  = 5.5 * vg.Inch
	tileWidth   = 3.8 * vg.Inch
	tileHeight  = 2.6 * vg.Inch
	tilesAcross = 3
	legendWidth = 1.3 * vg.Inch
	margin      = 10 * vg.Length(1)
	headroom    = 1.1
)

// result is a mode's run.
type result struct {
	row
	samples []sample
}

// A series is a line of a chart.
type series struct {
	name  string
	value func(*sample) int64
	style draw.LineStyle
}

func line(name string, rgb uint32, width float64, value func(*sample) int64, dashes ...vg.Length) series {
	c := color.RGBA{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), 255}
	return series{name, value, draw.LineStyle{Color: c, Width: vg.Points(width), Dashes: dashes}}
}

// The lines, in a palette that the colour-blind tell apart (Okabe and Ito's). Bytes but for makes.
var (
	rssLine   = line("RSS", 0xd55e00, 2, func(s *sample) int64 { return s.rss })
	liveLine  = line("live", 0x000000, 1.2, func(s *sample) int64 { return s.live })
	byteLines = []series{
		line("HeapSys", 0x0072b2, 1.2, func(s *sample) int64 { return s.heapSys }),
		line("HeapAlloc", 0x009e73, 1.2, func(s *sample) int64 { return s.heapAlloc }),
		line("HeapIdle", 0x56b4e9, 1.2, func(s *sample) int64 { return s.heapIdle }),
		line("HeapReleased", 0xcc79a7, 1.2, func(s *sample) int64 { return s.heapReleased }),
		line("kept", 0xe69f00, 1.2, func(s *sample) int64 { return s.kept }),
		rssLine,
		liveLine,
	}
	makesLine = line("makes (right)", 0x666666, 1.2, func(s *sample) int64 { return s.makes }, vg.Points(4), vg.Points(2))
)

// drawMode draws the article's chart of a mode: bytes by the left axis, the number of buffers made by the right one.
func drawMode(file string, c *config, mode string, samples []sample) error {
	r := summarize(mode, samples)
	p := newPlot()
	p.Title.Text = fmt.Sprintf("%s: RSS %.2f times the live bytes\n%s", mode, r.ratio(), describe(c))
	p.Title.TextStyle.Font.Size = 10
	p.Title.Padding = 10
	p.X.Label.Text = "seconds since the start"
	p.Y.Label.Text = "memory, MB"
	p.Y.Max = headroom * mb(largest(samples, byteLines...))
	right := &rightAxis{label: "buffers made (makes)", max: headroom * float64(max(1, largest(samples, makesLine)))}

	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.TextStyle.Font = font.From(sans, 9)
	legend.Padding = 4
	p.Add(plotter.NewGrid(), phaseMarks{samples, true}, right)
	for _, l := range byteLines {
		if largest(samples, l) > 0 {
			legend.Add(l.name, l.add(p, samples, 1e6))
		}
	}
	legend.Add(makesLine.name, makesLine.add(p, samples, right.max/p.Y.Max))

	return saveSVG(file, modeWidth, modeHeight, func(canvas draw.Canvas) {
		canvas = draw.Crop(canvas, margin, -margin, margin, -margin)
		chart := draw.Crop(canvas, 0, -legendWidth, 0, 0)
		p.Draw(chart)
		area := p.DataCanvas(chart)
		legend.Draw(draw.Canvas{Canvas: canvas.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: chart.Max.X + margin, Y: area.Min.Y},
			Max: vg.Point{X: canvas.Max.X, Y: area.Max.Y},
		}})
	})
}

// drawAll draws RSS and live bytes of every mode, a tile each, on the same scales.
func drawAll(file string, c *config, results []result) error {
	var top, until float64
	for _, r := range results {
		top = max(top, mb(largest(r.samples, rssLine, liveLine)))
		until = max(until, r.samples[len(r.samples)-1].seconds)
	}
	cols := min(tilesAcross, len(results))
	rows := (len(results) + cols - 1) / cols
	tiles := make([][]*plot.Plot, rows)
	for i := range tiles {
		tiles[i] = make([]*plot.Plot, cols)
	}
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.TextStyle.Font = font.From(sans, 9)
	legend.Padding = 4
	for i, r := range results {
		p := newPlot()
		p.Title.Text = fmt.Sprintf("%s: %.2f times live", r.mode, r.ratio())
		p.Title.TextStyle.Font.Size = 11
		p.Title.Padding = 6
		p.X.Label.Text, p.Y.Label.Text = "seconds", "MB"
		p.X.Max, p.Y.Max = until, headroom*top
		p.Add(plotter.NewGrid(), phaseMarks{r.samples, false})
		for _, l := range []series{rssLine, liveLine} {
			thumb := l.add(p, r.samples, 1e6)
			if i == 0 {
				legend.Add(l.name, thumb)
			}
		}
		tiles[i/cols][i%cols] = p
	}

	title := text.Style{Font: font.From(sans, 9), Color: color.Black, Handler: plot.DefaultTextHandler, YAlign: draw.YTop}
	const lineHeight, head = 14, 80 // of the texts and the legend above the tiles
	width, height := vg.Length(cols)*tileWidth, vg.Length(rows)*tileHeight+head
	return saveSVG(file, width, height, func(canvas draw.Canvas) {
		canvas = draw.Crop(canvas, margin, -margin, margin, -margin)
		for i, s := range []string{
			"Resident memory (RSS) of each mode, and how many times the live bytes it is in the steady phase.",
			describe(c),
		} {
			canvas.FillText(title, vg.Point{X: canvas.Min.X, Y: canvas.Max.Y - vg.Length(i)*lineHeight}, s)
		}
		legend.Draw(draw.Crop(canvas, 0, 0, 0, -2*lineHeight-4))
		grid := draw.Tiles{Rows: rows, Cols: cols, PadX: 12, PadY: 14}
		areas := plot.Align(tiles, grid, draw.Crop(canvas, 0, 0, 0, -head+margin))
		for i, row := range tiles {
			for j, p := range row {
				if p != nil {
					p.Draw(areas[i][j])
				}
			}
		}
	})
}

// sans is the charts' font.
var sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// newPlot makes an empty plot whose axes begin at 0.
func newPlot() *plot.Plot {
	p := plot.New()
	p.Title.TextStyle.Font = font.From(sans, 10)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Min, axis.Padding = 0, 0
		axis.Label.TextStyle.Font = font.From(sans, 9)
		axis.Tick.Label.Font = font.From(sans, 8)
		axis.Tick.Marker = roundTicks{}
	}
	return p
}

// add adds the line to p, with its values divided by unit.
func (l *series) add(p *plot.Plot, samples []sample, unit float64) *plotter.Line {
	points := make(plotter.XYs, len(samples))
	for i := range samples {
		points[i] = plotter.XY{X: samples[i].seconds, Y: float64(l.value(&samples[i])) / unit}
	}
	drawn := &plotter.Line{XYs: points, LineStyle: l.style}
	p.Add(drawn)
	return drawn
}

// largest is the largest value in the lines.
func largest(samples []sample, lines ...series) (top int64) {
	for i := range samples {
		for _, l := range lines {
			top = max(top, l.value(&samples[i]))
		}
	}
	return top
}

// saveSVG writes what paint draws.
func saveSVG(file string, width, height vg.Length, paint func(draw.Canvas)) error {
	svg := vgsvg.New(width, height)
	canvas := draw.New(svg)
	canvas.SetColor(color.White)
	canvas.Fill(canvas.Rectangle.Path())
	paint(canvas)
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := svg.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
