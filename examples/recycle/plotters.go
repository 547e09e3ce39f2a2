package main

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// rightAxis is a second vertical axis, which gonum's plots do not have: from 0 to max over the
// whole height. What belongs to it is drawn by the left axis, scaled.
type rightAxis struct {
	label string
	max   float64
}

// gap is the space between the axis, its ticks and its texts.
const gap = 4 * vg.Length(1)

// Plot draws the axis along the right side.
func (a *rightAxis) Plot(c draw.Canvas, p *plot.Plot) {
	x := c.Max.X
	style := p.Y.LineStyle
	c.StrokeLine2(style, x, c.Min.Y, x, c.Max.Y)
	numbers := a.numbers(p)
	for _, t := range a.ticks() {
		y := c.Y(t.Value / a.max)
		c.StrokeLine2(p.Y.Tick.LineStyle, x, y, x+p.Y.Tick.Length, y)
		c.FillText(numbers, vg.Point{X: x + p.Y.Tick.Length + gap, Y: y}, t.Label)
	}
	label := p.Y.Label.TextStyle
	label.Rotation = math.Pi / 2
	label.XAlign, label.YAlign = draw.XCenter, draw.YTop
	c.FillText(label, vg.Point{X: x + p.Y.Tick.Length + 2*gap + a.numbersWidth(p), Y: c.Center().Y}, a.label)
}

// GlyphBoxes claims the room that the axis takes.
func (a *rightAxis) GlyphBoxes(p *plot.Plot) []plot.GlyphBox {
	width := p.Y.Tick.Length + 2*gap + a.numbersWidth(p) + p.Y.Label.TextStyle.Height(a.label) + gap
	return []plot.GlyphBox{{X: 1, Rectangle: vg.Rectangle{Max: vg.Point{X: width}}}}
}

func (a *rightAxis) ticks() []plot.Tick { return roundTicks{}.Ticks(0, a.max) }

func (a *rightAxis) numbers(p *plot.Plot) text.Style {
	style := p.Y.Tick.Label
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	return style
}

func (a *rightAxis) numbersWidth(p *plot.Plot) (width vg.Length) {
	for _, t := range a.ticks() {
		width = max(width, p.Y.Tick.Label.Width(t.Label))
	}
	return width
}

// phaseMarks divides a chart where phases begin, and names them at the top where there is room.
type phaseMarks struct {
	samples []sample
	named   bool
}

// Plot draws a line at the beginning of each phase but the first, and the names above the data.
func (m phaseMarks) Plot(c draw.Canvas, p *plot.Plot) {
	rule := draw.LineStyle{Color: color.Gray{Y: 110}, Width: vg.Points(0.6), Dashes: []vg.Length{2, 2}}
	name := text.Style{
		Font: font.From(sans, 8), Color: color.Gray{Y: 70}, Handler: plot.DefaultTextHandler,
		XAlign: draw.XCenter, YAlign: draw.YTop,
	}
	toX, _ := p.Transforms(&c)
	for _, phase := range []string{steady, burst, after, silence} {
		first, last := bounds(m.samples, phase)
		if first == nil {
			continue
		}
		from, to := toX(first.seconds), toX(last.seconds)
		if phase != steady {
			c.StrokeLine2(rule, from, c.Min.Y, from, c.Max.Y)
		}
		if m.named && name.Width(phase) < to-from {
			c.FillText(name, vg.Point{X: (from + to) / 2, Y: c.Max.Y - gap}, phase)
		}
	}
}

// roundTicks marks an axis that begins at 0 in five to ten steps of 1, 2 or 5 times a power of ten, in whole numbers.
type roundTicks struct{}

// Ticks is plot.Ticker.
func (roundTicks) Ticks(_, top float64) (ticks []plot.Tick) {
	const most = 10
	step := math.Max(1, math.Pow(10, math.Floor(math.Log10(top/most))))
	for _, factor := range []float64{2, 2.5, 2} { // 2, 5, 10
		if top/step > most {
			step *= factor
		}
	}
	for v := 0.0; v <= top; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', -1, 64)})
	}
	return ticks
}
