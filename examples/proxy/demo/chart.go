package main

import (
	"image/color"
	"math"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The chart's size.
const (
	chartWidth  = 9 * vg.Inch
	chartHeight = 5 * vg.Inch
)

// colors tell the allocators apart, for colour-blind eyes as well (Okabe and Ito).
var colors = []color.Color{
	color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff},
	color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
	color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff},
	color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff},
}

// legendRoom is how much higher than the highest line the chart is, so that the
// legend covers none.
const legendRoom = 1.35

// drawChart writes an SVG of the memory over time: for each allocator the resident
// set as a solid line, and the bodies held in it as a dashed one of its colour.
// Time is counted from the begin of each one's load, as it takes one proxy longer
// than another to have every key set before that. The load ends when the last command
// begins: what is under way then is over a little later.
func drawChart(file string, about []string, load time.Duration, trials []*trial) error {
	p := plot.New()
	p.Title.Text = "The proxy's resident memory\n" + strings.Join(about, "\n")
	p.Title.TextStyle.Font.Size = vg.Points(9)
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text = "seconds since the load began"
	p.X.Tick.Marker = plot.TickerFunc(wholeTicks)
	p.Y.Label.Text = "MiB"
	p.Y.Tick.Marker = plot.TickerFunc(wholeTicks)
	p.Legend.Top = true
	// Samples left of their names: fonts differ in width, and names that end at the edge would run over the samples.
	p.Legend.Left = true
	p.Legend.XOffs = chartWidth - 3*vg.Inch
	p.Add(plotter.NewGrid())
	for i, t := range trials {
		rss, live := make(plotter.XYs, len(t.samples)), make(plotter.XYs, len(t.samples))
		for j, s := range t.samples {
			at := s.at.Sub(t.report.Began).Seconds()
			rss[j] = plotter.XY{X: at, Y: float64(s.rss) / mib}
			live[j] = plotter.XY{X: at, Y: float64(s.live) / mib}
		}
		style := draw.LineStyle{Color: colors[i%len(colors)], Width: vg.Points(1.5)}
		if err := addLine(p, t.alloc+": RSS", rss, style); err != nil {
			return err
		}
		style.Width, style.Dashes = vg.Points(0.7), []vg.Length{vg.Points(3), vg.Points(2)}
		if err := addLine(p, t.alloc+": live bodies", live, style); err != nil {
			return err
		}
	}
	p.Y.Max *= legendRoom
	end := load.Seconds()
	ends := plotter.XYs{{X: 0, Y: p.Y.Max}, {X: 0, Y: 0}, {X: end, Y: 0}, {X: end, Y: p.Y.Max}} // by way of the axis
	style := draw.LineStyle{Color: color.Gray{Y: 96}, Width: vg.Points(0.7)}
	if err := addLine(p, "load begins, ends", ends, style); err != nil {
		return err
	}
	return p.Save(chartWidth, chartHeight, file)
}

// wholeTicks labels an axis with whole numbers, some five to ten of them.
func wholeTicks(low, high float64) []plot.Tick {
	step := 1.0
	for factors := []float64{2, 2.5, 2}; (high-low)/step > 10; factors = append(factors[1:], factors[0]) {
		step *= factors[0] // 1, 2, 5, 10, 20, 50 …
	}
	var ticks []plot.Tick
	for at := math.Ceil(low/step) * step; at <= high; at += step {
		at += 0 // no -0
		ticks = append(ticks, plot.Tick{Value: at, Label: strconv.FormatFloat(at, 'f', 0, 64)})
	}
	return ticks
}

// addLine adds a line and its entry in the legend.
func addLine(p *plot.Plot, name string, points plotter.XYs, style draw.LineStyle) error {
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.LineStyle = style
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}
