// page_probe.js -- run in a page of measure --html or of report, in a frame of a
// known width: tells the frame's parent what of its layout a reader would stumble
// over. A page that sorts its table has a script of its own.
addEventListener('load', () => {
    const width = Number(location.hash.slice(1)), bad = []
    const say = (what, el) => bad.push(
        what + (el ? ': <' + el.localName + ' class="' +
            (el.getAttribute('class') || '') + '"> ' +
            el.textContent.trim().slice(0, 40) : ''))
    const all = (selector) => [...document.querySelectorAll(selector)]
    const scrolls = (el) => {
        for (let e = el; e; e = e.parentElement)
            if (getComputedStyle(e).overflowX !== 'visible') return true
        return false
    }

    if (innerWidth !== width) say('the frame is ' + innerWidth + ' px wide')
    if (document.scrollingElement.scrollWidth > innerWidth)
        say('scrolls sideways: ' + document.scrollingElement.scrollWidth)
    for (const e of all('body *')) {
        const box = e.getBoundingClientRect()
        if (box.width > 0 && !scrolls(e) && !e.closest('svg') &&
            (box.right > innerWidth + 0.5 || box.left < -0.5))
            say('outside the window', e)
    }

    // Text: its size on the screen, and its contrast (WCAG 2, 1.4.3).
    const rgba = (css) => {
        const v = css.match(/[\d.]+/g).map(Number)
        return v.length < 4 ? [...v, 1] : v
    }
    const over = (a, b) => a.slice(0, 3).map(
        (v, i) => v * a[3] + b[i] * (1 - a[3])).concat(1)
    const behind = (e) => {
        const css = rgba(getComputedStyle(e).backgroundColor)
        const root = matchMedia('(prefers-color-scheme:dark)').matches
            ? [18, 18, 18, 1] : [255, 255, 255, 1]
        return css[3] === 1 ? css
            : over(css, e.parentElement ? behind(e.parentElement) : root)
    }
    const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) => {
        const v = c[i] / 255
        return sum + w * (v <= 0.04045 ? v / 12.92
            : ((v + 0.055) / 1.055) ** 2.4)
    }, 0)
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    let least = Infinity, n = 0
    while (texts.nextNode()) {
        const e = texts.currentNode.parentElement, css = getComputedStyle(e)
        if (!texts.currentNode.data.trim() || e.localName === 'script') continue
        const scale = e.ownerSVGElement ? e.getScreenCTM().a : 1
        const size = parseFloat(css.fontSize) * scale
        const back = behind(e), front = over(rgba(css.color), back)
        const [a, b] = [light(front), light(back)].sort((x, y) => y - x)
        if (size < 11) say('text of ' + size.toFixed(1) + ' px', e)
        if ((a + 0.05) / (b + 0.05) < 4.5)
            say('contrast ' + ((a + 0.05) / (b + 0.05)).toFixed(2), e)
        least = Math.min(least, size)
        n++
    }
    if (n < 20) say('only ' + n + ' texts')

    // Labels of a plot do not meet.
    for (const area of all('.area')) {
        const labels = [...area.querySelectorAll('.tick,.strip')]
        const boxes = labels.map((l) => l.getBoundingClientRect())
        boxes.forEach((p, i) => boxes.slice(i + 1).forEach((q, j) => {
            if (p.left < q.right && q.left < p.right && p.top < q.bottom &&
                q.top < p.bottom)
                say('labels meet: ' + labels[i].textContent + ' and ' +
                    labels[i + 1 + j].textContent)
        }))
        if (labels.length < 3) say('a plot of few labels', area)
    }

    // What a screen reader goes by.
    let level = 0
    for (const h of all('h1,h2,h3,h4')) {
        const own = Number(h.localName[1])
        if (own > level + 1) say('a heading leaves a level out', h)
        level = own
    }
    for (const one of ['main', 'h1', 'header', 'footer'])
        if (all(one).length !== 1) say('not one <' + one + '>')
    for (const th of all('th')) if (!th.scope) say('a header of no scope', th)
    for (const svg of all('svg'))
        if (!svg.closest('[aria-hidden=true]') &&
            !(svg.getAttribute('role') === 'img' &&
                svg.getAttribute('aria-label')))
            say('a picture without words', svg)
    for (const s of all('section'))
        if (!document.getElementById(s.getAttribute('aria-labelledby')))
            say('a section without a name', s)
    const ids = all('[id]').map((e) => e.id)
    if (new Set(ids).size !== ids.length) say('an id twice')
    if (document.documentElement.lang !== 'en') say('no language')

    // It stands alone; the one script is this.
    if (performance.getEntriesByType('resource').length) say('fetches something')
    if (document.scripts.length !== 1 + all('table.sort').length || all('img,b:not(.u,.chips b),i:not(.sp,.nl)').length)
        say('foreign text became a part of the page')
    const side = all('.three').map((e) =>
        getComputedStyle(e).gridTemplateColumns.split(' ').length)
    if (side.some((k) => k !== (width < 700 ? 1 : 3)))
        say('answers in ' + side + ' columns')

    const dark = matchMedia('(prefers-color-scheme:dark)').matches
    parent.postMessage([width, dark ? 'dark' : 'light', 'least text',
        least.toFixed(1), 'px:', bad.length ? bad.join('\n  ') : 'good']
        .join(' '), '*')
})
