// Run in a page: moves a slider of the race that has most of them, and returns, for each move, the
// milliseconds of work until the new paths are drawn and laid out. Nothing where there is no race.
async () => {
  const races = [...document.querySelectorAll(".lecopt-race")];
  const sliders = (race) => [...race.querySelectorAll("input[type=range]")].filter((input) => input.closest(".lecopt-slider"));
  const race = races.sort((a, b) => sliders(b).length - sliders(a).length)[0];
  if (!race) return [];
  race.scrollIntoView();
  const slider = sliders(race)[0];
  const times = [];
  for (let move = 0; move < 40; move += 1) {
    await new Promise((done) => setTimeout(done, 50));
    let work = 0;
    const ask = window.requestAnimationFrame;
    window.requestAnimationFrame = (draw) =>
      ask((now) => {
        const start = performance.now();
        draw(now);
        race.getBoundingClientRect();
        work += performance.now() - start;
      });
    const start = performance.now();
    slider.value = String(200 + 3 * move);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    work += performance.now() - start;
    await new Promise((done) => ask(() => ask(done)));
    window.requestAnimationFrame = ask;
    times.push(work);
  }
  return times;
}
