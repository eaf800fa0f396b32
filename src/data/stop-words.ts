/**
 * English words that say little of what a text is about: articles, pronouns, prepositions, conjunctions,
 * auxiliary verbs, numbers and common adverbs. Words of fewer than three letters need no place here.
 */
const text = `
the and but nor for yet not neither either both whether than then thus hence therefore however although
though because since while whereas unless until till upon into onto from with without within among amongst
between against about above below over under through throughout during before after behind beyond beside
besides along across around toward towards per via off out down near except despite according concerning
regarding respecting
you your yours yourself yourselves our ours ourselves she her hers herself him his himself its itself they
them their theirs themselves mine myself one's oneself who whom whose which what whatever whichever whoever
that this these those there here where wherever when whenever why how
are was were been being has had have having does did done doing can cannot could may might must shall should
will would ought let lets get got made make makes making
all any some none each every everyone everything anyone anything nothing something someone other others
another such same own few fewer less least more most many much several enough only just even also too very
quite rather almost again ever never always often already still soon now once twice first second third last
next one two three four five six seven eight nine ten hundred thousand million billion
don't doesn't didn't won't can't couldn't isn't aren't wasn't weren't haven't hasn't hadn't wouldn't shouldn't
i'm i've i'll we're we've we'll you're you've you'll they're they've they'll it's that's there's let's what's
who's here's he's she's
`;

export const stopWords: ReadonlySet<string> = new Set(text.trim().split(/\s+/));
