from tagger import tagger


def create(problem, variant):
    # user code
    return tagger(problem, variant, "lstm")
    # end
