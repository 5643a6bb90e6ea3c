class Product:
    def __init__(self, a, b):
        self.a, self.b = a, b

    # user code
    def step(self, k):
        return (self.a @ self.b).sum()
    # end

    def gradients(self):
        return self.step(0).item(), {}


def create(problem, variant):
    return Product(problem["data"]["a"], problem["data"]["b"])
