"use strict";
(function () {
  var study = null;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var root = document.documentElement;
  var plots = Array.prototype.slice.call(document.querySelectorAll(".plot[data-figure]"));
  var ready = null;
  var printing = false;

  function isDark() {
    if (printing) return false;
    return root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  }

  // Tokens stand only where a colour does: a name that looks like one stays a name.
  function painted(value, isColor) {
    if (typeof value === "string") {
      var pair = isColor && Object.prototype.hasOwnProperty.call(study.palette, value) && study.palette[value];
      return pair ? pair[isDark() ? 1 : 0] : value;
    }
    if (Array.isArray(value)) return isColor ? value.map(function (item) { return painted(item, true); }) : value.map(
      function (item) { return item && typeof item === "object" ? painted(item, false) : item; });
    if (value && typeof value === "object") {
      var out = {};
      Object.keys(value).forEach(function (key) { out[key] = painted(value[key], /color/i.test(key)); });
      return out;
    }
    return value;
  }

  function merged(base, own) {
    Object.keys(own).forEach(function (key) {
      var both = base[key] && own[key] && typeof base[key] === "object" && typeof own[key] === "object";
      base[key] = both && !Array.isArray(own[key]) ? merged(base[key], own[key]) : own[key];
    });
    return base;
  }

  function layoutOf(figure, width) {
    var axis = { gridcolor: "@grid", linecolor: "@grid", zerolinecolor: "@grid", automargin: true };
    var layout = {
      height: figure.height, autosize: !width, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: "@ink", size: 12, family: "system-ui, Segoe UI, Roboto, sans-serif" },
      margin: { l: 56, r: 14, t: 28, b: 34 }, hovermode: "x unified", separators: ".\u202f",
      hoverlabel: { bgcolor: "@paper", bordercolor: "@grid", font: { color: "@ink" } },
      legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", xanchor: "left" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: "@muted", activecolor: "@ink" }, dragmode: "zoom",
      colorway: ["@series1", "@series2", "@series3", "@series4", "@series5", "@series6"]
    };
    if (width) layout.width = width;
    var names = { xaxis: 1, yaxis: 1 };
    figure.data.forEach(function (trace) {
      ["x", "y"].forEach(function (letter) {
        if (trace[letter + "axis"]) names[letter + "axis" + trace[letter + "axis"].slice(1)] = 1;
      });
    });
    Object.keys(names).forEach(function (name) { layout[name] = Object.assign({}, axis); });
    if (figure.data.some(function (trace) { return trace.type === "candlestick"; })) layout.xaxis.rangeslider = { visible: false };
    return painted(merged(layout, JSON.parse(JSON.stringify(figure.layout))), false);
  }

  function draw(plot, width) {
    var figure = study.figures[Number(plot.dataset.figure)];
    if (!plot.classList.contains("drawn")) {
      plot.textContent = "";
      plot.classList.add("drawn");
      plot.previousElementSibling.classList.add("drawn-caption");
      plot.setAttribute("role", "img");
      plot.setAttribute("aria-label", figure.alt);
    }
    window.Plotly.react(plot, painted(figure.data, false), layoutOf(figure, width), {
      displaylogo: false, responsive: true,
      modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"]
    });
  }

  function whole(reader, decoder, text) {
    return reader.read().then(function (part) {
      return part.done ? text : whole(reader, decoder, text + decoder.decode(part.value, { stream: true }));
    });
  }

  // What is large is kept compressed; the browser unpacks it itself, without any request.
  function unpacked(id) {
    var text = atob(document.getElementById(id).textContent);
    var bytes = new Uint8Array(text.length);
    for (var i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    var unpacking = new DecompressionStream("gzip");
    var writer = unpacking.writable.getWriter();
    writer.write(bytes);
    writer.close();
    return whole(unpacking.readable.getReader(), new TextDecoder(), "");
  }

  // Once: the charts' points, then Plotly.
  function plotly() {
    if (!ready) {
      ready = unpacked("study").then(function (json) {
        study = JSON.parse(json);
        return unpacked("plotly");
      }).then(function (code) {
        var script = document.createElement("script");
        script.textContent = code;
        document.head.appendChild(script);
      });
    }
    return ready;
  }

  function show(plot) {
    return plotly().then(function () {
      if (!plot.classList.contains("drawn")) draw(plot);
    });
  }

  function repaint() {
    plots.forEach(function (plot) { if (plot.classList.contains("drawn")) draw(plot); });
  }

  var button = document.getElementById("theme");
  button.hidden = false;
  function name() { button.textContent = isDark() ? "Light" : "Dark"; }
  button.addEventListener("click", function () {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
    repaint();
  });
  dark.addEventListener("change", function () { name(); repaint(); });
  name();

  // A table is sorted by a column: downwards first, then upwards; what is undefined stays last.
  function keyOf(cell, numeric) {
    var text = cell.textContent;
    if (!numeric) return text === "\u2013" ? null : text;
    var number = parseFloat(text.replace(/[\u202f\s]/g, "").replace("\u2212", "-"));
    return isNaN(number) ? null : number;
  }

  function sort(head) {
    var table = head.closest("table");
    var up = head.getAttribute("aria-sort") === "descending";
    var at = head.cellIndex;
    var numeric = head.classList.contains("n");
    table.querySelectorAll("th").forEach(function (one) { one.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    var body = table.tBodies[0];
    Array.prototype.map.call(body.rows, function (row) { return [keyOf(row.cells[at], numeric), row]; })
      .sort(function (a, b) {
        if (a[0] === null || b[0] === null) return (a[0] === null) - (b[0] === null);
        return (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0) * (up ? 1 : -1);
      })
      .forEach(function (pair) { body.appendChild(pair[1]); });
  }

  document.querySelectorAll("th").forEach(function (head) {
    if (head.closest("table").tBodies[0].rows.length < 3) return;
    head.tabIndex = 0;
    head.classList.add("sorts");
    head.addEventListener("click", function () { sort(head); });
    head.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(head); }
    });
  });

  if (typeof DecompressionStream !== "function") return;  // the drawings stay as they are

  var near = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting) { near.unobserve(entry.target); show(entry.target); }
    });
  }, { rootMargin: "400px" });
  plots.forEach(function (plot) { near.observe(plot); });

  // Printing takes what is drawn at that moment: all of it, on white, as wide as the paper.
  var folded = [];
  window.addEventListener("beforeprint", function () {
    printing = true;
    folded = Array.prototype.filter.call(document.querySelectorAll("details"), function (one) { return !one.open; });
    folded.forEach(function (one) { one.open = true; });
    if (window.Plotly) plots.forEach(function (plot) { draw(plot, 690); });
  });
  window.addEventListener("afterprint", function () {
    printing = false;
    folded.forEach(function (one) { one.open = false; });
    repaint();
  });
  (window.requestIdleCallback || window.setTimeout)(plotly);

  var links = {};
  document.querySelectorAll("nav a[href^='#']").forEach(function (link) { links[link.hash.slice(1)] = link; });
  var current = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (!entry.isIntersecting) return;
      Object.keys(links).forEach(function (id) { links[id].removeAttribute("aria-current"); });
      if (links[entry.target.id]) links[entry.target.id].setAttribute("aria-current", "true");
    });
  }, { rootMargin: "-10% 0px -80% 0px" });
  document.querySelectorAll("section[id]").forEach(function (section) { current.observe(section); });
})();
