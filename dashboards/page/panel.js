// A piece of the page as the server wrote it. Links, menus and forms marked data-go change the address without loading anew.
export default {
  template: "<div></div>",
  props: { content: String, watches: Boolean, address: String },
  mounted() {
    this.draw();
    this.$el.addEventListener("click", this.clicked);
    this.$el.addEventListener("change", this.chosen);
    this.$el.addEventListener("submit", this.sent);
    if (this.watches) window.addEventListener("popstate", this.back);
    this.clock = setInterval(this.tick, 1000);
  },
  unmounted() {
    clearInterval(this.clock);
    window.removeEventListener("popstate", this.back);
  },
  updated() {
    this.draw();
  },
  methods: {
    draw() {
      if (this.content === this.drawn) return;
      const at = document.activeElement;
      const key = this.$el.contains(at) ? this.keyOf(at) : null;
      const open = [...this.$el.querySelectorAll("details[open][id]")].map((one) => one.id);
      this.$el.innerHTML = this.drawn = this.content;
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (key) [...this.$el.querySelectorAll("a,select,input,button,summary")].find((one) => this.keyOf(one) === key)?.focus();
      this.tick();
    },
    keyOf(one) {
      return one.id || one.dataset.key || one.getAttribute("href") || one.name || one.textContent;
    },
    go(query) {
      if (query !== location.search) history.pushState(null, "", location.pathname + query);
      this.$emit("go", query);
    },
    back() {
      this.$emit("go", location.search);
    },
    clicked(event) {
      const link = event.target.closest("a[data-go]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.go(link.getAttribute("href"));
    },
    chosen(event) {
      if (event.target.matches("select[data-go]")) this.go(event.target.value);
    },
    sent(event) {
      event.preventDefault();
      this.go("?" + new URLSearchParams(new FormData(event.target)));
    },
    tick() {
      // What was clicked before the server listened is told again.
      if (this.watches && this.address !== location.search.replace(/^\?/, "")) this.$emit("go", location.search);
      const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "always", style: "short" });
      for (const one of this.$el.querySelectorAll("time[data-age]")) {
        const seconds = Math.max(0, (Date.now() - Date.parse(one.dateTime)) / 1000);
        const [length, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(([size]) => seconds >= size) ?? [1, "second"];
        one.textContent = words.format(-Math.floor(seconds / length), unit);
      }
    },
  },
};
