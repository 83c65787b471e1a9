// The charts answer to the mouse, to a finger and to the arrow keys: which moment that is, and what each line
// had then. The values are those that each SVG carries in its <metadata>. Without this script the page shows
// the same.
(() => {
  "use strict";
  // In so many steps the arrow keys go through a chart.
  const STEPS = 120;

  const whole = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  const decimal = (value, digits) => {
    const [front, back] = Math.abs(value).toFixed(digits).split(".");
    return (value < 0 ? "−" : "") + whole(Number(front)) + (back ? "." + back : "");
  };
  const time = (ms) => {
    if (ms === 0) return "0 ms";
    if (ms < 10) return decimal(ms, 2) + " ms";
    if (ms < 100) return decimal(ms, 1) + " ms";
    if (ms < 999.5) return decimal(ms, 0) + " ms";
    const s = ms / 1000;
    if (s < 9.995) return decimal(s, 2) + " s";
    if (s < 99.95) return decimal(s, 1) + " s";
    return Math.floor(Math.round(s) / 60) + " min " + String(Math.round(s) % 60).padStart(2, "0") + " s";
  };
  const WRITTEN = {
    count: whole,
    rate: (value) => whole(value) + "/s",
    share: (value) => decimal(value * 100, 1) + " %",
    milliseconds: time,
    value: (value) => decimal(value, Number.isInteger(value) ? 0 : 2),
  };
  // A second is counted by where it begins, as clocks do.
  const floor = (at, digits) => Math.floor(at * 10 ** digits) / 10 ** digits;
  const MOMENT = {
    opening: (at, digits) =>
      "T" + (at < 0 ? "−" : "+") + decimal(Math.abs(floor(at, digits)), digits) + " s",
    beginning: (at, digits) => decimal(floor(at, digits), digits) + " s from the beginning",
    minutes: (at) => decimal(at, 1) + " min from the beginning",
    hours: (at) => decimal(at, 2) + " h from the beginning",
    days: (at) => decimal(at, 2) + " days from the beginning",
    nines: (at) => {
      const share = 100 * (1 - 10 ** -at);
      return "within this time: " + Number(share.toFixed(Math.max(1, Math.ceil(at)))) + " %";
    },
  };

  // The last place whose value is not beyond `at`.
  const place = (sorted, at) => {
    let [from, to] = [0, sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (sorted[middle] <= at) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  };

  // What a line has at `at`: where there are more values than pixels, the least and the greatest of two pixels.
  const written = (line, at, pixels) => {
    const last = place(line.at, at);
    if (last < 0) return null;
    const write = WRITTEN[line.unit];
    if (!line.thinned) return write(line.values[last]);
    const first = Math.max(0, Math.min(last, place(line.at, at - pixels) + 1));
    const values = line.values.slice(first, last + 1);
    const [least, most] = [write(Math.min(...values)), write(Math.max(...values))];
    return least === most ? most : least + " to " + most;
  };

  const cells = (panel, at, down) => {
    const { name, step, rows, columns } = panel.grid;
    const column = columns[place(columns.map((column) => column.at), at)];
    if (!column || at >= column.at + step) return [[name + ": nothing was answered", ""]];
    const [, top, , bottom] = panel.frame;
    const inside = down !== null && down >= top && down < bottom;
    const row = inside ? Math.floor(((bottom - down) / (bottom - top)) * rows.length) : null;
    const told = column.counts
      .map((count, index) => [column.row + index, count])
      .filter(([index, count]) => count > 0 && (row === null || row === index))
      .map(([index, count]) => [name + ", " + rows[index], whole(count)]);
    return told.length ? told.reverse() : [[name + ", " + rows[row], "0"]];
  };

  const chart = (figure, svg, panels) => {
    const told = document.createElement("div");
    told.className = "told";
    told.hidden = true;
    figure.append(told);
    const cursors = panels.map((panel) => {
      const cursor = document.createElementNS(svg.namespaceURI, "line");
      cursor.setAttribute("class", "cursor");
      cursor.setAttribute("y1", panel.frame[1]);
      cursor.setAttribute("y2", panel.frame[3]);
      cursor.setAttribute("visibility", "hidden");
      svg.append(cursor);
      return cursor;
    });

    const hide = () => {
      told.hidden = true;
      for (const cursor of cursors) cursor.setAttribute("visibility", "hidden");
    };

    // Shows what stands at a place of the drawing; `down` is null where only the column is meant.
    const show = (across, down) => {
      const inside = (panel) => across >= panel.frame[0] && across <= panel.frame[2];
      const under = ({ frame }) => down === null || (down >= frame[1] && down < frame[3]);
      const here = panels.filter((panel) => inside(panel) && (!panel.grid || under(panel)));
      panels.forEach((panel, index) => {
        cursors[index].setAttribute("visibility", inside(panel) ? "visible" : "hidden");
        cursors[index].setAttribute("x1", across);
        cursors[index].setAttribute("x2", across);
      });
      if (!here.length) return hide();
      told.replaceChildren();
      const head = document.createElement("b");
      told.append(head);
      for (const panel of here) {
        const [left, , right] = panel.frame;
        const [from, to] = panel.across;
        const pixels = ((to - from) / (right - left)) * 4;
        const at = from + ((across - left) / (right - left)) * (to - from);
        head.textContent = MOMENT[panel.axis](at, to - from < 60 ? 1 : 0);
        const lines = panel.lines.map((line) => [line.name, written(line, at, pixels)]);
        for (const [name, value] of panel.grid ? cells(panel, at, down) : lines) {
          if (value === null) continue;
          const row = document.createElement("span");
          const of = document.createElement("i");
          of.textContent = name;
          row.append(of, value);
          told.append(row);
        }
      }
      told.hidden = false;
      const corner = new DOMPoint(across, down ?? here[0].frame[1]).matrixTransform(svg.getScreenCTM());
      const { width, height } = told.getBoundingClientRect();
      const left = corner.x + 14 + width > innerWidth ? corner.x - 14 - width : corner.x + 14;
      told.style.left = Math.max(4, left) + "px";
      told.style.top = Math.max(4, Math.min(corner.y + 14, innerHeight - height - 4)) + "px";
    };

    svg.addEventListener("pointermove", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY);
      const { x, y } = point.matrixTransform(svg.getScreenCTM().inverse());
      show(x, y);
    });
    svg.addEventListener("pointerleave", hide);
    addEventListener("scroll", hide, { passive: true });

    const least = Math.min(...panels.map((panel) => panel.frame[0]));
    const most = Math.max(...panels.map((panel) => panel.frame[2]));
    let across = least;
    const moved = {
      ArrowLeft: (step) => across - step,
      ArrowRight: (step) => across + step,
      Home: () => least,
      End: () => most,
    };
    figure.tabIndex = 0;
    figure.classList.add("read");
    figure.setAttribute("aria-label", svg.querySelector("title").textContent + ": arrow keys read values");
    figure.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return hide();
      if (!moved[event.key] || event.target !== figure) return;
      event.preventDefault();
      told.setAttribute("role", "status");
      const step = ((most - least) / STEPS) * (event.shiftKey ? 10 : 1);
      across = Math.max(least, Math.min(most, moved[event.key](step)));
      show(across, null);
    });
    figure.addEventListener("blur", hide);
  };

  for (const svg of document.querySelectorAll("figure > svg")) {
    const values = svg.querySelector("metadata");
    if (values) chart(svg.parentElement, svg, JSON.parse(values.textContent));
  }

  // What is wider than its place is scrolled with keys too.
  const scrolled = () => {
    for (const box of document.querySelectorAll(".card, pre, figure:not(.read)")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", scrolled);
  scrolled();
})();
